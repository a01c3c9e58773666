package mta

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// junk is what a stranger may say: any octets, and often what means something to a reader of logs.
func junk(end string) *rapid.Generator[string] {
	tokens := rapid.SampledFrom([]string{
		" ", `"`, `\`, "<", ">", "(", ")", "[", "]", ") [198.51.100.66] (", ") [198.51.100.66]", " helo=<192.0.2.25>", " proto=ESMTP", " to=<x@forged.example>",
		"; from=<>", " F=<", " P=esmtp", " I=[192.0.2.25]:25", " closed by QUIT", " rejected RCPT <x@forged.example>", "H=", ": ", " <= ",
		"RCPT from unknown[198.51.100.66]: ", ": syntactically invalid argument(s): ", "\x1b[1m", "é", "\xff", "\x00", "192.0.2.25", "a",
	})
	octets := rapid.Map(rapid.Byte(), func(b byte) string { return string([]byte{b}) })
	return rapid.Map(rapid.SliceOfN(rapid.OneOf(tokens, tokens, octets), 0, 8), func(parts []string) string {
		return strings.Map(func(r rune) rune { // one line
			if strings.ContainsRune("\n"+end, r) {
				return -1
			}
			return r
		}, strings.Join(parts, ""))
	})
}

// mailbox is a quoted local part full of junk, as Postfix and Exim write it.
func mailbox(t *rapid.T, label, domain string) string {
	local := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(junk("").Draw(t, label))
	return `"` + local + `"@` + domain
}

// property reads what lines gives: at least so many sessions must be reported, and all must be 203.0.113.7's and as it said.
func property(t *testing.T, format string, atLeast int, lines func(*rapid.T) (text, said string)) {
	rapid.Check(t, func(rt *rapid.T) {
		text, said := lines(rt)
		log, err := NewLog(format, options())
		if err != nil {
			rt.Fatal(err)
		}
		stats, err := Read(strings.NewReader(text+"\n"), log, func(r Report) error {
			if r.Client.String() != "203.0.113.7" || r.HELO != said {
				rt.Errorf("%s %q, want %q\n%q", r.Client, r.HELO, said, text)
			}
			for _, domain := range r.Recipients {
				if domain != "rcpt.example" {
					rt.Errorf("recipient %q\n%q", domain, text)
				}
			}
			return nil
		})
		if err != nil || stats.Sessions < int64(atLeast) {
			rt.Fatalf("%+v, %v: %q", stats, err, text)
		}
	})
}

// TestPostfixNotFooled: whatever a client says in HELO, MAIL and RCPT, and whatever text a DNSBL gives, the session is that client's
// and its HELO is what it said, as far as Postfix passes it on.
func TestPostfixNotFooled(t *testing.T) {
	property(t, "postfix", 1, func(rt *rapid.T) (text, said string) {
		said = neutered("h" + junk("").Draw(rt, "helo"))
		line := fmt.Sprintf("NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 554 5.7.1 %s; from=<%s> to=<%s> proto=ESMTP helo=<%s>",
			junk("").Draw(rt, "text"), mailbox(rt, "sender", "sender.example"), mailbox(rt, "recipient", "rcpt.example"), said)
		return strings.Join(smtpd(1, connect, line, disconnect), "\n"), said
	})
}

// TestEximNotFooled: the same, where Exim accepts junk for a HELO and writes it as it is.
func TestEximNotFooled(t *testing.T) {
	property(t, "exim", 0, func(rt *rapid.T) (text, said string) {
		said = junk("\r").Draw(rt, "helo")
		sender, recipient := mailbox(rt, "sender", "sender.example"), mailbox(rt, "recipient", "rcpt.example")
		host := rapid.SampledFrom([]string{"", "a.example "}).Draw(rt, "name") + "(" + said + ") [203.0.113.7]"
		return exim(rapid.SampledFrom([]string{
			"H=" + host + " F=<" + sender + "> rejected RCPT <" + recipient + ">: " + junk("").Draw(rt, "text"),
			eximID + "<= " + sender + " H=" + host + " P=esmtp S=430 for " + recipient,
			"SMTP connection from " + host + " closed by QUIT",
		}).Draw(rt, "line"))[0], said
	})
}

// TestPolicyIsOctets: a HELO arrives octet by octet, and no value becomes another attribute.
func TestPolicyIsOctets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		said := "h" + junk("").Draw(rt, "helo")
		text := request("helo_name", said, "sender", junk("").Draw(rt, "sender"), "ccert_subject", junk("").Draw(rt, "subject"))
		var r policyRequest
		in := bufio.NewReaderSize(bytes.NewReader([]byte(text)), maxAttribute)
		if err := r.read(in); err != nil {
			rt.Fatal(err)
		}
		var s policySession
		if s.take(&r) != sessionOther {
			rt.Fatalf("not a session: %q", text)
		}
		s.begin(&r, "mx1", time.Unix(0, 0))
		report, ok := s.end()
		if !ok || report.HELO != said || report.Client.String() != "203.0.113.7" || report.Recipients[0] != "rcpt.example" {
			rt.Errorf("%+v from %q", report, text)
		}
	})
}

// TestUnescape undoes what Exim does to an argument that it refuses.
func TestUnescape(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(rt, "raw")
		var escaped []byte
		for _, c := range raw {
			switch {
			case c == '\\':
				escaped = append(escaped, `\\`...)
			case c == '\n':
				escaped = append(escaped, `\n`...)
			case c < ' ' || c > '~':
				escaped = fmt.Appendf(escaped, `\%03o`, c)
			default:
				escaped = append(escaped, c)
			}
		}
		if got := unescape(escaped); !bytes.Equal(got, raw) {
			rt.Errorf("%q: got %q, want %q", escaped, got, raw)
		}
	})
}
