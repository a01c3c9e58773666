package config

import (
	"strings"
	"testing"
)

func TestDeskMistakes(t *testing.T) {
	for key, values := range map[string][]string{"page": {`"nowhere"`}, "mail": {`"desk"`, `"Desk <desk@bl.example>"`}, "probe": {`"a@b.example"`},
		"requests_per_week": {"0"}, "letters": {`"/nonexistent"`}, "sendmail": {`"/nonexistent"`, `"/"`}} {
		for _, value := range values {
			if _, err := parse(t, "[desk]\n"+key+" = "+value+"\n"); err == nil || !strings.Contains(err.Error(), "desk."+key) {
				t.Errorf("%s = %s: %v", key, value, err)
			}
		}
	}
}

// Mails are sent by the program that is named, else by $SENDMAIL, else by the sendmail
// in PATH; without any it is said that none are sent.
func TestSendmail(t *testing.T) {
	for _, c := range []struct{ key, env, program, off string }{
		{`sendmail = "/bin/true"`, "/bin/sh", "/bin/true", ""},
		{"", "/bin/sh", "/bin/sh", ""},
		{"", "", "", "there is no sendmail in PATH: those who ask on the page are not mailed"},
		{"", "/nonexistent", "", `$SENDMAIL is "/nonexistent": there is no such program: those who ask on the page are not mailed`},
		{`sendmail = "off"`, "/bin/sh", "", "desk.sendmail is off"},
	} {
		t.Setenv("SENDMAIL", c.env)
		t.Setenv("PATH", "/nonexistent")
		cfg, err := parse(t, "[desk]\n"+c.key+"\n")
		if err != nil || cfg.Desk.Sendmail != c.program || cfg.Desk.MailOff != c.off {
			t.Errorf("%q, $SENDMAIL %q: %q, %q, %v", c.key, c.env, cfg.Desk.Sendmail, cfg.Desk.MailOff, err)
		}
	}
}
