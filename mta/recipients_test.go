package mta

import (
	"fmt"
	"testing"
)

const probe = "helo+abcdefghijklmnopqrstuvwxyz234567abcdefg@probe.bl.example"

// TestRecipients: of recipients it is known how many there were and how many do not exist, and none by name, but for a probe
// address.
func TestRecipients(t *testing.T) {
	const end = " from=<a@sender.example> to=<%s> proto=ESMTP helo=<h.example>"
	refused := func(why, to string) string {
		return "NOQUEUE: reject: RCPT from unknown[203.0.113.7]: " + why + ";" + fmt.Sprintf(end, to)
	}
	unknown := refused("550 5.1.1 <no@rcpt.example>: Recipient address rejected: User unknown in local recipient table", "no@rcpt.example")
	for name, test := range map[string]struct {
		format string
		lines  []string
		want   string
	}{
		"Postfix":               {"postfix", smtpd(1, connect, unknown, unknown, "disconnect from unknown[203.0.113.7] ehlo=1 mail=1 rcpt=1/3 quit=1 commands=4/6"), "3 2 [rcpt.example] "},
		"Postfix, still open":   {"postfix", smtpd(1, connect, unknown), "0 0 [rcpt.example] "}, // it may be a customer's
		"Postfix, another 550":  {"postfix", smtpd(1, connect, refused("550 5.7.1 <x>: 550 5.1.1 <no@rcpt.example>: no", "b@rcpt.example")), "0 0 [rcpt.example] "},
		"Postfix, for now":      {"postfix", smtpd(1, connect, refused("450 4.1.1 <no@rcpt.example>: try later", "no@rcpt.example")), "0 0 [rcpt.example] "},
		"Postfix, a probe":      {"postfix", smtpd(1, connect, refused("554 5.7.1 no", probe)), "0 0 [probe.bl.example] " + probe},
		"Exim":                  {"exim", exim(eximReject[:len(eximReject)-2]+"Unrouteable address", eximReject), "2 1 [rcpt.example] "},
		"Exim, a probe":         {"exim", exim("H=(h.example) [203.0.113.7] F=<a@sender.example> rejected RCPT <HELO+abcdefghijklmnopqrstuvwxyz234567abcdefg@probe.bl.example>: no"), "1 0 [probe.bl.example] HELO+abcdefghijklmnopqrstuvwxyz234567abcdefg@probe.bl.example"},
		"NDJSON":                {"ndjson", []string{`{"client":"203.0.113.7","helo":"h.example","rcpts":["b@rcpt.example"],"rcpts_tried":5,"rcpts_unknown":3}`}, "5 3 [rcpt.example] "},
		"NDJSON, the long way":  {"ndjson", []string{`{"client":"203.0.113.7","helo":"é","rcpts":["b@rcpt.example"],"rcpts_tried":5,"rcpts_unknown":3}`}, "5 3 [rcpt.example] "},
		"NDJSON, below nothing": {"ndjson", []string{`{"client":"203.0.113.7","helo":"h.example","rcpts_tried":-5,"rcpts_unknown":3}`}, "0 0 [] "},
		"NDJSON, a probe":       {"ndjson", []string{`{"client":"203.0.113.7","helo":"h.example","rcpts":["b@rcpt.example","` + probe + `"]}`}, "0 0 [rcpt.example probe.bl.example] " + probe},
		"NDJSON, told as such":  {"ndjson", []string{`{"client":"203.0.113.7","helo":"h.example","rcpts":["probe.bl.example"],"probe":"` + probe + `"}`}, "0 0 [probe.bl.example] " + probe},
		"no probe":              {"ndjson", []string{`{"client":"203.0.113.7","helo":"h.example","rcpts":["helo+somebody@rcpt.example"],"probe":"bob@rcpt.example"}`}, "0 0 [rcpt.example] "},
	} {
		var text []byte
		for _, line := range test.lines {
			text = append(append(text, line...), '\n')
		}
		reports, stats := readBytes(t, test.format, text, options())
		if len(reports) != 1 {
			t.Errorf("%s: %+v, %+v", name, reports, stats)
			continue
		}
		r := reports[0]
		if got := fmt.Sprint(r.Tried, " ", r.Unknown, " ", r.Recipients, " ", r.Probe); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestPolicyProbe: the policy service passes a probe address on.
func TestPolicyProbe(t *testing.T) {
	d := newDesk(t, "tcp", PolicyConfig{})
	c := d.dial()
	c.ask(request())
	c.ask(request("recipient", probe))
	if all := d.all(); len(all) != 1 || all[0].Probe != probe {
		t.Errorf("%+v", all)
	}
}
