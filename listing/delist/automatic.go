package delist

import (
	"fmt"
	"strings"

	"dnsbld/listing/removal"
)

// Fields are the header fields of a mail: those of go-message, of net/mail's
// textproto form, or any other that finds names in any case.
type Fields interface {
	Values(name string) []string
}

// Automatic reports whether a mail must not be answered by a program, and why
// (RFC 3834, section 2): it came from one itself, went to many, has nobody to
// answer to, or is our own answer come back.
func Automatic(h Fields) (why string, yes bool) {
	for _, v := range h.Values(LoopHeader) {
		return fmt.Sprintf("it is an answer of ours: %s: %s", LoopHeader, clip(v, 60)), true
	}
	for _, v := range h.Values("Auto-Submitted") {
		if word, _, _ := strings.Cut(v, ";"); !is(word, "no") {
			return "a program sent it: Auto-Submitted: " + clip(v, 60), true
		}
	}
	for _, v := range h.Values("Precedence") {
		if is(v, "bulk") || is(v, "list") || is(v, "junk") || is(v, "auto_reply") {
			return "it went to many: Precedence: " + clip(v, 60), true
		}
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "List-Post", "List-Help", "Mailing-List", "Feedback-Id"} {
		if len(h.Values(name)) > 0 {
			return "it went to a list: it has " + name, true
		}
	}
	for _, v := range h.Values("X-Auto-Response-Suppress") {
		if v = strings.ToLower(v); strings.Contains(v, "all") || strings.Contains(v, "autoreply") {
			return "it asks for no automatic answer: it has X-Auto-Response-Suppress", true
		}
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Loop", "X-Failed-Recipients"} {
		if len(h.Values(name)) > 0 {
			return "a program sent it: it has " + name, true
		}
	}
	return nobody(h)
}

// nobody finds senders that are no person.
func nobody(h Fields) (why string, yes bool) {
	for _, v := range h.Values("Return-Path") {
		if strings.Join(strings.Fields(v), "") == "<>" {
			return "its sender is empty, as in bounces", true
		}
	}
	for _, v := range h.Values("Content-Type") {
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(v)), "multipart/report") {
			return "it is a delivery report", true
		}
	}
	from := h.Values("From")
	for _, v := range from {
		local, _, _ := strings.Cut(removal.BareMail(v), "@")
		switch {
		case local == "mailer-daemon", strings.HasPrefix(local, "noreply"), strings.HasPrefix(local, "no-reply"), strings.HasPrefix(local, "donotreply"),
			strings.HasPrefix(local, "owner-"), strings.HasSuffix(local, "-request"), strings.HasSuffix(local, "-owner"):
			return "nobody reads answers to its sender", true
		}
	}
	if len(from) == 0 {
		return "it has no From", true
	}
	return "", false
}

func is(value, word string) bool { return strings.EqualFold(strings.TrimSpace(value), word) }
