package mta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHarakaJSON: Haraka's log in JSON says what it says in logfmt.
func TestHarakaJSON(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "haraka-logfmt.log"))
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`([a-z_]+)=(?:"([^"]*)"|(\S*))`)
	var lines bytes.Buffer
	for line := range strings.Lines(string(raw)) {
		stamp, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !strings.HasPrefix(text, "level=") {
			lines.WriteString(line)
			continue
		}
		o := []byte("{")
		for i, m := range field.FindAllStringSubmatch(text, -1) {
			if i > 0 {
				o = append(o, ',')
			}
			value, _ := json.Marshal(m[2] + m[3])
			if m[1] == "local_port" {
				value = []byte(m[3])
			}
			o = fmt.Appendf(o, "%q:%s", m[1], value)
		}
		fmt.Fprintf(&lines, "%s %s}\n", stamp, o)
	}
	want, _ := readBytes(t, "haraka", raw, options())
	got, stats := readBytes(t, "haraka", lines.Bytes(), options())
	if len(got) != len(want) || len(got) < 30 || stats.Missed() != 0 {
		t.Fatalf("%d sessions of %d, %+v", len(got), len(want), stats)
	}
	for i := range got {
		if show(got[i]) != show(want[i]) && !strings.ContainsAny(want[i].HELO, `\`) { // octets that JSON and logfmt write otherwise
			t.Errorf("got  %s\nwant %s", show(got[i]), show(want[i]))
		}
	}
	for _, line := range []string{
		`2026-11-23T08:00:00Z {"level":"INFO","uuid":"ABCDEF01-0000","origin":"core","message":"disconnect","ip":"203.0.113.7","helo":"h.example","relay":"N"}`,
		`2026-11-23T08:00:00Z {"level":"NOTICE","uuid":"ABCDEF01-0000","origin":"x","message":"disconnect ip=203.0.113.7 helo=h relay=N"}`,
		`2026-11-23T08:00:00Z {"level":"NOTICE","uuid":1}`,
		`2026-11-23T08:00:00Z {"level":`,
	} {
		checkLog(t, "haraka", []string{line})
	}
}

// smtpdEvent is an event as smtpd reports it, of version 0.7.
func smtpdEvent(text string) string { return "report|0.7|1763884800.568165|smtp-in|" + text }

func TestOpenSMTPD(t *testing.T) {
	begin := smtpdEvent("link-connect|7641df9771b4ed00|mail.sender.example|fail|203.0.113.7:33174|192.0.2.25:25")
	said := smtpdEvent("link-identify|7641df9771b4ed00|EHLO|h.example")
	mail := smtpdEvent("tx-mail|7641df9771b4ed00|5d2e3c|ok|a@sender.example")
	rcpt := smtpdEvent("tx-rcpt|7641df9771b4ed00|5d2e3c|permfail|b@rcpt.example")
	end := smtpdEvent("link-disconnect|7641df9771b4ed00")
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"plain":             {[]string{begin, said, mail, rcpt, end}, plain},
		"authenticated":     {[]string{begin, said, smtpdEvent("link-auth|7641df9771b4ed00|joe|pass"), mail, rcpt, end}, plain + " auth"},
		"by version 0.4":    {[]string{begin, said, smtpdEvent("link-auth|7641df9771b4ed00|pass|joe"), mail, rcpt, end}, plain + " auth"},
		"not authenticated": {[]string{begin, said, smtpdEvent("link-auth|7641df9771b4ed00|joe|fail"), mail, rcpt, end}, plain},
		"submission":        {[]string{strings.Replace(begin, ":25", ":587", 1), said, mail, rcpt, end}, plain + " submission"},
		"addresses before the result": {[]string{begin, said, smtpdEvent("tx-mail|7641df9771b4ed00|5d2e3c|<a@sender.example>|ok"),
			smtpdEvent("tx-rcpt|7641df9771b4ed00|5d2e3c|<b@rcpt.example>|ok"), end}, plain},
		"others between": {[]string{begin, smtpdEvent("filter-response|7641df9771b4ed00|connected|proceed"), said, "report|0.7|1763884800.5|smtp-out|link-connect|1|a|pass|b|c",
			smtpdEvent("protocol-client|7641df9771b4ed00|MAIL FROM:<x>"), mail, rcpt, end}, plain},
	} {
		reports, stats := readBytes(t, "opensmtpd", []byte(strings.Join(test.lines, "\n")+"\n"), options())
		if len(reports) != 1 || show(reports[0]) != test.want || reports[0].Unproven || stats.Missed() != 0 {
			t.Errorf("%s: %+v, %+v", name, reports, stats)
		}
	}
	// Without its end it is not shown who the client was, and without its beginning it is left alone.
	if reports, _ := readBytes(t, "opensmtpd", []byte(begin+"\n"+said), options()); len(reports) != 1 || !reports[0].Unproven {
		t.Errorf("%+v", reports)
	}
	checkLog(t, "opensmtpd", []string{said, mail, rcpt, end})
	checkLog(t, "opensmtpd", []string{strings.Replace(begin, "203.0.113.7:33174", "local:0", 1), said, end})
	// Bars in what the client says part nothing.
	reports, _ := readBytes(t, "opensmtpd", []byte(begin+"\n"+smtpdEvent("link-identify|7641df9771b4ed00|HELO|a|pass|203.0.113.9:1|x")+"\n"+end), options())
	if len(reports) != 1 || reports[0].HELO != "a|pass|203.0.113.9:1|x" || reports[0].Auth || reports[0].Client.String() != "203.0.113.7" {
		t.Errorf("%+v", reports)
	}
	// smtpd's own log is refused with the reason.
	log, _ := NewLog("opensmtpd", options())
	log.Line([]byte("Nov 23 08:00:00 mx smtpd[1]: 7641df9771b4ed00 smtp connected address=203.0.113.7 host=x"), nil)
	if shapes := log.NotUnderstood(); len(shapes) != 1 || !strings.Contains(shapes[0].Shape, "does not have the HELO") {
		t.Errorf("%+v", shapes)
	}
}

// The lines are those that Rspamd 3.4 wrote with the log_format of mta-config.
func TestRspamd(t *testing.T) {
	const head = "2026-11-23 08:00:00 #23536(normal) <472278>; task; rspamd_task_write_log: "
	const hexHELO, hexRcpts = "682e6578616d706c65", "726370742e6578616d706c65"
	mail := func(ip, auth, said string) string {
		return head + "dnsbld ip=" + ip + " auth=" + auth + " helo=" + said + " rcpts=" + hexRcpts
	}
	noVerb := strings.Replace(plain, "EHLO ", " ", 1)
	checkLog(t, "rspamd", []string{"2026-11-23 08:00:00 #1(main) lua; init.lua:58: x", mail("203.0.113.7", "no", hexHELO), mail("203.0.113.7", "no", hexHELO) + " id: <x auth=yes ip=192.0.2.1>"}, noVerb)
	checkLog(t, "rspamd", []string{mail("203.0.113.7", "yes", hexHELO)}, noVerb+" auth")
	checkLog(t, "rspamd", []string{"Nov 23 08:00:00 mx rspamd[23536]: (normal) <472278>; task; rspamd_task_write_log: " + strings.TrimPrefix(mail("203.0.113.7", "no", hexHELO), head)}, noVerb)
	checkLog(t, "rspamd", []string{mail("undef", "no", "")})
	for _, wrong := range []string{head + "id: <x>, ip: 203.0.113.7", mail("203.0.113.7", "no", "6"), mail("203.0.113.7", "no", "zz"), head + "dnsbld ip=203.0.113.7 auth=no helo= x=y", "no line"} {
		if stats := checkLog(t, "rspamd", []string{wrong}); stats.Missed() != 1 {
			t.Errorf("%s: %+v", wrong, stats)
		}
	}
	if reports, _ := readBytes(t, "rspamd", []byte(mail("203.0.113.7", "undef", hexHELO)), options()); len(reports) != 1 || !reports[0].Unproven {
		t.Errorf("%+v", reports)
	}
}

func TestCSV(t *testing.T) {
	table := func(columns string) LogOptions {
		o := options()
		o.Columns = strings.Split(columns, ",")
		return o
	}
	const hmail = "-,-,id,time,client,command"
	line := func(text string) string {
		return fmt.Sprintf("\"SMTPD\"\t1234\t5\t\"2026-11-23 08:00:00.123\"\t\"203.0.113.7\"\t%q\n", text)
	}
	for name, test := range map[string]struct {
		columns, text string
		want          []string
	}{
		"rows": {"time,client,verb,helo,rcpt,auth", "time,client,verb,helo,rcpts,user\n2026-11-23T08:00:00Z,203.0.113.7,EHLO,h.example,b@rcpt.example,\n" +
			"2026-11-23T08:00:00Z,203.0.113.7,EHLO,\"h.example\",b@rcpt.example,joe\n", []string{plain, plain + " auth"}},
		"semicolons":   {"date,time,client,helo,verb,rcpt,auth", "2026-11-23;08:00:00;203.0.113.7;h.example;EHLO;b@rcpt.example;no\n", []string{plain}},
		"no auth":      {"time,client,verb,helo,rcpt", "2026-11-23 08:00:00,203.0.113.7,EHLO,h.example,b@rcpt.example\n", []string{plain + " unproven"}},
		"quotes":       {"time,client,verb,helo,rcpt,auth", "2026-11-23 08:00:00,203.0.113.7,EHLO,\"a\"\",b\",b@rcpt.example,\n", []string{strings.Replace(plain, `"h.example"`, `"a\",b"`, 1)}},
		"submission":   {"time,client,port,verb,helo,rcpt", "2026-11-23 08:00:00,203.0.113.7,587,EHLO,h.example,b@rcpt.example\n", []string{plain + " submission"}},
		"unknown port": {"time,client,port,verb,helo,rcpt,auth", "2026-11-23 08:00:00,203.0.113.7,2525,EHLO,h.example,b@rcpt.example,\n", []string{plain + " unproven"}},
		"hMailServer": {hmail, line("SENT: 220 mx ESMTP") + line("RECEIVED: EHLO h.example") + line("SENT: 250 HELP") + line("RECEIVED: MAIL FROM:<a@sender.example>") +
			line("RECEIVED: RCPT TO:<b@rcpt.example>") + line("SENT: 550 no"), []string{plain}},
		"hMailServer, authenticated": {hmail, line("RECEIVED: EHLO h.example") + line("SENT: 334 VXNlcm5hbWU6") + line("SENT: 235 authenticated.") +
			line("RECEIVED: RCPT TO:<b@rcpt.example>") + line("SENT: 221 goodbye"), []string{plain + " auth"}},
		"hMailServer, cut": {hmail, line("RECEIVED: EHLO h.example") + line("SENT: 250 HELP"), []string{strings.Replace(plain, "rcpt.example", "", 1) + " unproven"}},
		"MailEnable": {"time,-,id,-,client,-,command,reply", "11/23/26 08:00:00\tSMTP-IN\tA.MAI\t880\t203.0.113.7\tEHLO\tEHLO h.example\t250-mx\n" +
			"11/23/26 08:00:01\tSMTP-IN\tA.MAI\t880\t203.0.113.7\tRCPT\tRCPT TO:<b@rcpt.example>\t250 ok\n", []string{plain}},
	} {
		reports, stats := readBytes(t, "csv", []byte(test.text), table(test.columns))
		var got []string
		for _, r := range reports {
			text := show(r)
			if r.Unproven {
				text += " unproven"
			}
			got = append(got, text)
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") || stats.Missed() != 0 {
			t.Errorf("%s: got  %q\nwant %q\n%+v", name, got, test.want, stats)
		}
	}
	o := table("time,client,helo")
	for _, wrong := range []string{"x", "2026-11-23 08:00:00,x,h", "soon,203.0.113.7,h"} {
		if _, stats := readBytes(t, "csv", []byte("2026-11-23 08:00:00,203.0.113.9,h\n"+wrong+"\n"), o); stats.Skipped != 1 {
			t.Errorf("%s: %+v", wrong, stats)
		}
	}
	for _, columns := range []string{"", "time,client", "time,helo", "time,client,helo,command", "time,client,command", "time,time,client,helo", "time,client,helo,moon"} {
		if _, err := NewLog("csv", table(columns)); err == nil {
			t.Errorf("columns %q are taken", columns)
		}
	}
}

// A log of Rspamd's begins as Exim's does: what was given counts.
func TestGuessGiven(t *testing.T) {
	head := []byte("2026-11-23 08:00:00 #1(main) <>; lua; x\n")
	for _, given := range []string{"rspamd", "exim"} {
		if got := GuessFormat(head, given); got != given {
			t.Errorf("given %s: %s", given, got)
		}
	}
}

func FuzzOpenSMTPD(f *testing.F) {
	f.Add([]byte(smtpdEvent("link-connect|1|x|pass|203.0.113.7:1|192.0.2.25:25") + "\n" + smtpdEvent("link-identify|1|EHLO|h") + "\n" + smtpdEvent("link-disconnect|1")))
	fuzzLog(f, "opensmtpd")
}

func FuzzRspamd(f *testing.F) {
	f.Add([]byte("2026-11-23 08:00:00 #2(normal) <4>; task; rspamd_task_write_log: dnsbld ip=203.0.113.7 auth=no helo=68 rcpts="))
	fuzzLog(f, "rspamd")
}

// FuzzCSV: whatever is in a table, it is read alike again, and every session has a client and an ID.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("\"SMTPD\"\t1\t5\t\"2026-11-23 08:00:00.123\"\t\"203.0.113.7\"\t\"RECEIVED: EHLO h\"\n"), true)
	f.Add([]byte("2026-11-23 08:00:00,203.0.113.7,h,b@rcpt.example,,25\n2026-11-23 08:00:01;203.0.113.8;h;\"a\"\"b\";joe;587\n"), false)
	f.Fuzz(func(t *testing.T, raw []byte, commands bool) {
		o := options()
		o.Columns = []string{"time", "client", "helo", "rcpt", "auth", "port"}
		if commands {
			o.Columns = []string{"-", "-", "id", "time", "client", "command"}
		}
		first, stats := readBytes(t, "csv", raw, o)
		again, _ := readBytes(t, "csv", raw, o)
		if fmt.Sprint(first) != fmt.Sprint(again) || stats.Sessions != int64(len(first)) {
			t.Errorf("%+v\n%+v\n%+v", first, again, stats)
		}
		for _, r := range first {
			if !r.Client.IsValid() || r.ID == "" || r.Receiver == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}

func FuzzHaraka(f *testing.F) { fuzzLog(f, "haraka", "haraka-logfmt.log") }
