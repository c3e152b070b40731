//! A job's conversation as Markdown. Texts of the service are shown and never do anything: no markup of theirs counts.

use crate::api::{History, Message, Role, Untrusted};

/// The whole conversation.
pub(super) fn markdown(history: &History) -> String {
    let title = format!(
        "# Conversation of {}\n",
        inline(&history.job_id.to_string())
    );
    let messages = history.messages.iter().map(message);
    std::iter::once(title).chain(messages).collect()
}

fn message(message: &Message) -> String {
    let who = match &message.role {
        Role::User => "User".to_owned(),
        Role::Assistant => "Assistant".to_owned(),
        Role::Other(other) => inline(&other.for_terminal_line()),
    };
    let when = message.created_at.as_ref();
    let when = when.map_or_else(String::new, |when| {
        format!(", {}", inline(&when.for_terminal_line()))
    });
    let mut text = format!("\n## {who}{when}\n\n{}", block(&message.content));
    let mut item = |what: &str, value: &str| text.push_str(&format!("\n- {what}: {value}\n"));
    for image in &message.images {
        let name = image.filename.as_ref().or(image.id.as_ref());
        item(
            "image",
            &name.map_or_else(
                || "without a name".to_owned(),
                |name| inline(&name.for_terminal_line()),
            ),
        );
    }
    if let Some(revision) = &message.revision_id {
        item("revision", &inline(&revision.to_string()));
    }
    for artifact in &message.artifacts {
        let label = artifact.label.as_ref().map(Untrusted::for_terminal_line);
        item(
            "file",
            &inline(&label.unwrap_or_else(|| artifact.id.to_string())),
        );
    }
    if let Some(review) = &message.review {
        if review.message.for_terminal().trim() != message.content.for_terminal().trim() {
            text.push_str(&format!("\nReview:\n\n{}", block(&review.message)));
        }
        if let Some(summary) = review.iteration_proposal.summary("summary") {
            text.push_str(&format!("\nIt proposes:\n\n{}", block(&summary)));
        }
    }
    text
}

/// Lines as code: indented by four blanks, nothing in them is markup.
fn block(text: &Untrusted) -> String {
    let lines = text.for_terminal();
    let lines = lines.trim().lines().map(|line| format!("    {line}\n"));
    let lines: String = lines.collect();
    if lines.is_empty() {
        return "(no text)\n".to_owned();
    }
    lines
}

/// A short text that is safe for one line, within a line: as code, whose only mark is taken out of it.
fn inline(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_told_and_nothing_of_it_is_markup() {
        let history = serde_json::json!({
            "job_id": "cadjob_1",
            "messages": [
                {
                    "id": "m1", "role": "user", "created_at": "2026-05-20T14:00:00.000Z",
                    "content": "# A plate.\n<script>alert(1)</script>\u{1b}[2J",
                    "images": [{ "filename": "a`b.png" }],
                },
                {
                    "id": "m2", "role": "assistant", "content": "Done.", "revision_id": "rev_1",
                    "artifacts": [{ "id": "art_1", "label": "plate" }],
                },
                {
                    "id": "m3", "role": "assistant", "content": "Fine.",
                    "review": { "message": "Fine.", "iteration_proposal": { "summary": "Break edges." } },
                },
            ],
        });
        let history: History = serde_json::from_value(history).unwrap();
        let expected = "# Conversation of `cadjob_1`\n\
             \n## User, `2026-05-20T14:00:00.000Z`\n\n    # A plate.\n    <script>alert(1)</script>\\u{1b}[2J\n\
             \n- image: `a'b.png`\n\
             \n## Assistant\n\n    Done.\n\n- revision: `rev_1`\n\n- file: `plate`\n\
             \n## Assistant\n\n    Fine.\n\nIt proposes:\n\n    Break edges.\n";
        assert_eq!(markdown(&history), expected);
    }
}
