package removal

import (
	"fmt"
	"mime"
	"strings"

	"dnsbld/listing"
)

// A mail that a program sends must not start a conversation between programs: it
// says that it is automatic, carries the mark by which our own mail is known when
// it comes back, and is sent only where an answer is expected.

// Message is the letter as a mail that no program answers (RFC 3834, section 3).
// Everything in its header is printable ASCII in one line.
func (r Reply) Message() string {
	var b strings.Builder
	field := func(name, value string) {
		if value = listing.Printable(value); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("From", r.Desk)
	field("To", r.To)
	field("Subject", mime.QEncoding.Encode("utf-8", r.Subject))
	field("In-Reply-To", r.InReplyTo)
	field("References", r.InReplyTo)
	field("Auto-Submitted", "auto-replied")
	field(LoopHeader, r.Zone)
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	field("Content-Transfer-Encoding", "8bit")
	return b.String() + "\n" + r.Letter
}
