package delist

import (
	"net/textproto"
	"testing"

	"dnsbld/listing/removal"
)

func TestAutomatic(t *testing.T) {
	for _, c := range []struct {
		name   string
		header map[string]string
		yes    bool
	}{
		{"a person", map[string]string{}, false},
		{"a person's program says no", map[string]string{"Auto-Submitted": "no"}, false},
		{"replied", map[string]string{"Auto-Submitted": "auto-replied"}, true},
		{"generated, with a parameter", map[string]string{"Auto-Submitted": "auto-generated; owner-email=\"a@b.example\""}, true},
		{"an unknown keyword", map[string]string{"Auto-Submitted": "auto-whatever"}, true},
		{"bulk", map[string]string{"Precedence": " Bulk"}, true},
		{"list", map[string]string{"Precedence": "list"}, true},
		{"junk", map[string]string{"Precedence": "junk"}, true},
		{"another precedence", map[string]string{"Precedence": "first-class"}, false},
		{"a mailing list", map[string]string{"List-Id": "<users.sender.example>"}, true},
		{"a newsletter", map[string]string{"List-Unsubscribe": "<mailto:x@sender.example>"}, true},
		{"a bounce", map[string]string{"Return-Path": "<>"}, true},
		{"a bounce, mangled", map[string]string{"Return-Path": " < > "}, true},
		{"a usual return path", map[string]string{"Return-Path": "<joe@sender.example>"}, false},
		{"a delivery report", map[string]string{"Content-Type": "multipart/report; report-type=delivery-status"}, true},
		{"our own answer", map[string]string{removal.LoopHeader: "bl.example"}, true},
		{"the mailer daemon", map[string]string{"From": "MAILER-DAEMON@sender.example (Mail Delivery)"}, true},
		{"nobody reads it", map[string]string{"From": "No-Reply <no-reply@sender.example>"}, true},
		{"a postmaster is a person", map[string]string{"From": "postmaster@sender.example"}, false},
		{"no sender", map[string]string{"From": ""}, true},
		{"Exchange asks for silence", map[string]string{"X-Auto-Response-Suppress": "DR, OOF, AutoReply"}, true},
		{"Exchange asks for less", map[string]string{"X-Auto-Response-Suppress": "DR, RN"}, false},
		{"another's loop mark", map[string]string{"X-Loop": "joe@sender.example"}, true},
	} {
		h := textproto.MIMEHeader{}
		h.Set("From", "Joe <joe@sender.example>")
		for name, value := range c.header {
			h.Del(name)
			if value != "" {
				h.Set(name, value)
			}
		}
		if why, yes := Automatic(h); yes != c.yes || (why != "") != yes {
			t.Errorf("%s: %t, %q", c.name, yes, why)
		}
	}
}
