//! The `millrun` binary.

fn main() -> std::process::ExitCode {
    millrun::cli::main()
}
