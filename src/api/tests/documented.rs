//! The API document's own JSON examples, each named by its section.

macro_rules! examples {
    ($($name:ident = $file:literal;)+) => {
        $(pub(super) const $name: &str =
            include_str!(concat!("../../../tests/fixtures/api/", $file, ".json"));)+
    };
}

examples! {
    LIST = "list_recent_jobs";
    CREATE = "create_a_cad_job";
    CREATE_REQUEST = "create_a_cad_job.request";
    POLL = "poll_job_status";
    FOLLOW_UP = "send_a_follow_up_iteration";
    FOLLOW_UP_REQUEST = "send_a_follow_up_iteration.request";
    REVIEW = "ask_the_review_assistant";
    REVIEW_REQUEST = "ask_the_review_assistant.request";
    SNAPSHOT_REQUEST = "ask_the_review_assistant.snapshot.request";
    MESSAGES = "read_message_history";
    ARTIFACTS = "list_latest_artifacts";
    DOWNLOAD = "download_a_step_file";
    BALANCE = "read_billing_status";
    ERROR = "error_shape";
}

pub(super) fn parsed(example: &str) -> serde_json::Value {
    serde_json::from_str(example).unwrap()
}
