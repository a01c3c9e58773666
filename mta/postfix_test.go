package mta

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing/helo"
)

// show says what a report tells, in one line.
func show(r Report) string {
	s := []string{r.Client.String(), string(r.Verb), fmt.Sprintf("%q", r.HELO), strings.Join(r.Recipients, ",")}
	for word, set := range map[string]bool{"auth": r.Auth, "submission": r.Submission, "null": r.NullSender, "fcrdns": r.FCrDNS} {
		if set {
			s = append(s, word)
		}
	}
	slices.Sort(s[4:])
	return strings.Join(s, " ")
}

// checkLog reads lines and compares what they tell. A line "LINE × 3" is not special: lines are as they are in the log.
func checkLog(t *testing.T, format string, lines []string, want ...string) LogStats {
	t.Helper()
	reports, stats := readBytes(t, format, []byte(strings.Join(lines, "\n")+"\n"), options())
	var got []string
	for _, r := range reports {
		got = append(got, show(r))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	return stats
}

// smtpd writes what one smtpd process says.
func smtpd(pid int, texts ...string) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, fmt.Sprintf("Nov 23 08:00:00 mx postfix/smtpd[%d]: %s", pid, text))
	}
	return lines
}

const (
	connect    = "connect from unknown[203.0.113.7]"
	rejectHead = "NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 554 5.7.1 no; "
	reject     = rejectHead + "from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<h.example>"
	disconnect = "disconnect from unknown[203.0.113.7] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"
	plain      = `203.0.113.7 EHLO "h.example" rcpt.example`
)

func TestPostfixLines(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  []string
	}{
		"a session":              {smtpd(1, connect, reject, disconnect), []string{plain}},
		"open at the end":        {smtpd(1, connect, reject), []string{plain}},
		"begun before the log":   {smtpd(1, reject, disconnect), []string{plain}},
		"HELO is not in the log": {smtpd(1, connect, "AAAAAAAAAA: client=unknown[203.0.113.7]", disconnect), nil},
		"ten recipients":         {smtpd(1, append([]string{connect}, slices.Repeat([]string{reject}, 10)...)...), []string{plain}},
		"without disconnect":     {smtpd(1, connect, reject, connect, reject), []string{plain, plain}},
		"processes interleave": {slices.Concat(smtpd(1, connect), smtpd(2, connect), smtpd(1, reject), smtpd(2, strings.Replace(reject, "h.example", "i.example", 1)),
			smtpd(2, disconnect), smtpd(1, disconnect)), []string{`203.0.113.7 EHLO "i.example" rcpt.example`, plain}},
		"the first HELO counts": {smtpd(1, connect, reject, strings.Replace(reject, "h.example", "i.example", 1)), []string{plain}},
		"SMTP":                  {smtpd(1, connect, strings.Replace(reject, "ESMTP", "SMTP", 1)), []string{`203.0.113.7 HELO "h.example" rcpt.example`}},
		"at EHLO": {smtpd(1, connect, "NOQUEUE: reject: EHLO from unknown[203.0.113.7]: 504 5.5.2 <h>: no; proto=SMTP helo=<h>", disconnect),
			[]string{`203.0.113.7 EHLO "h" `}},
		"at CONNECT":  {smtpd(1, connect, "NOQUEUE: reject: CONNECT from unknown[203.0.113.7]: 554 5.7.1 no; proto=SMTP", disconnect), nil},
		"null sender": {smtpd(1, connect, rejectHead+"from=<> to=<b@rcpt.example> proto=ESMTP helo=<h.example>"), []string{plain + " null"}},
		"warned": {smtpd(1, connect, strings.Replace(reject, "NOQUEUE: reject:", "4jY05k3y67z1Spyd: reject_warning:", 1)),
			[]string{plain}},
		"authenticated": {smtpd(1, connect, reject, "AAAAAAAAAA: client=unknown[203.0.113.7], sasl_method=PLAIN, sasl_username=u"),
			[]string{plain + " auth"}},
		"authenticated, by tally": {smtpd(1, connect, reject, "disconnect from unknown[203.0.113.7] ehlo=1 auth=1 mail=1 commands=3"), []string{plain + " auth"}},
		"not authenticated":       {smtpd(1, connect, reject, "disconnect from unknown[203.0.113.7] ehlo=1 auth=0/1 mail=1 commands=2/3"), []string{plain}},
		"did not greet":           {smtpd(1, connect, "disconnect from unknown[203.0.113.7] mail=1 rcpt=1 commands=2"), []string{`203.0.113.7 NONE "" `}},
		"only looked":             {smtpd(1, connect, "disconnect from unknown[203.0.113.7] quit=1 commands=1"), nil},
		"old tally":               {smtpd(1, connect, "disconnect from unknown[203.0.113.7]"), nil},
		"client ports": {smtpd(1, connect+":4711", strings.Replace(reject, "7]:", "7]:4711:", 1), "disconnect from unknown[203.0.113.7]:4711 ehlo=1"),
			[]string{plain}},
		"confirmed name":              {smtpd(1, "connect from a.example[203.0.113.7]", strings.Replace(reject, "unknown", "a.example", 1)), []string{plain + " fcrdns"}},
		"unknown client":              {smtpd(1, "connect from unknown[unknown]", "disconnect from unknown[unknown] ehlo=1"), nil},
		"submission":                  {[]string{"Nov 23 08:00:00 mx postfix/smtps/smtpd[1]: " + reject}, []string{plain + " submission"}},
		"another instance of Postfix": {[]string{"Nov 23 08:00:00 mx postfix-in/smtpd[1]: " + reject}, []string{plain}},
		"by a milter": {append(smtpd(1, connect, "AAAAAAAAAA: client=unknown[203.0.113.7]"),
			"Nov 23 08:00:00 mx postfix/cleanup[9]: AAAAAAAAAA: milter-reject: END-OF-MESSAGE from unknown[203.0.113.7]: 5.7.1 no; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<h.example>"),
			[]string{plain}},
		"more than is kept": {smtpd(1, strings.Replace(reject, "h.example", strings.Repeat("x", 5000), 1)),
			[]string{`203.0.113.7 EHLO "` + strings.Repeat("x", maxHELO) + `" rcpt.example`}},
		"no such domain": {smtpd(1, strings.Replace(reject, "rcpt.example", strings.Repeat("x", 256), 1)), []string{`203.0.113.7 EHLO "h.example" `}},
		"not ours": {[]string{
			"Nov 23 08:00:00 mx dovecot: " + connect, "Nov 23 08:00:00 mx kernel: [1.2] " + reject, "Nov 23 08:00:00 mx postfix/smtp[1]: " + reject,
			"Nov 23 08:00:00 mx postfix/smtpd: " + reject, "Nov 23 08:00:00 mx postfix/smtpd[x]: " + reject,
		}, nil},

		// Forged: what strangers choose must not be taken for what Postfix says.
		"HELO in the sender": {smtpd(1, connect, rejectHead+`from=<"z> to=<q> proto=ESMTP helo=<192.0.2.25>"@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<h.example>`),
			[]string{plain}},
		"HELO in the recipient, and none said": {smtpd(1, connect, rejectHead+`from=<a@sender.example> to=<"b proto=ESMTP helo=<192.0.2.25>"@rcpt.example> proto=SMTP`), nil},
		"recipient in the recipient":           {smtpd(1, connect, rejectHead+`from=<a@sender.example> to=<"b to=<x@forged.example>"@rcpt.example> proto=ESMTP helo=<h.example>`), []string{plain}},
		"recipient without domain":             {smtpd(1, connect, rejectHead+`from=<a@sender.example> to=<"b@forged.example"> proto=ESMTP helo=<h.example>`), []string{`203.0.113.7 EHLO "h.example" `}},
		"all of it in a DNSBL's text": {smtpd(1, connect, `NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 554 5.7.1 x; NOQUEUE: reject: RCPT from unknown[198.51.100.66]: y; from=<> to=<b@forged.example> proto=ESMTP helo=<192.0.2.25>; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<h.example>`),
			[]string{plain}},
		"an event in a Message-ID": {append(smtpd(1, connect, "AAAAAAAAAA: client=unknown[203.0.113.7]"),
			"Nov 23 08:00:00 mx postfix/cleanup[9]: AAAAAAAAAA: message-id=<x; from=<> to=<b@rcpt.example> proto=ESMTP helo=<192.0.2.25>"), nil},
		"an event in a command":     {smtpd(1, connect, "warning: non-SMTP command from unknown[203.0.113.7]: x: reject: RCPT from unknown[198.51.100.66]: x; proto=SMTP helo=<192.0.2.25>"), nil},
		"a warning like a queue ID": {smtpd(1, "warning: reject: RCPT from unknown[198.51.100.66]: x; proto=SMTP helo=<192.0.2.25>"), nil},
		"blanks in HELO":            {smtpd(1, connect, rejectHead+"proto=ESMTP helo=<a b>"), nil},
		"nothing in HELO":           {smtpd(1, connect, rejectHead+"proto=ESMTP helo=<>"), nil},
		"an unknown protocol":       {smtpd(1, connect, rejectHead+"proto=LMTP helo=<h>"), nil},
		"cut off":                   {smtpd(1, connect, reject[:len(reject)-1]), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if stats := checkLog(t, "postfix", test.lines, test.want...); stats.Skipped != 0 || stats.Lines != int64(len(test.lines)) {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestPostfixSkips(t *testing.T) {
	lines := []string{"", "x", "Nov 23", "Nov 23 08:00:00 ", "Xxx 23 08:00:00 mx postfix/smtpd[1]: " + connect, "2026-11-23Z mx postfix/smtpd[1]: " + connect,
		"Nov 23 08:00:00 mx", "2026-11-23T08:00:00Z", strings.Repeat("x", MaxLine+1)}
	if stats := checkLog(t, "postfix", lines); stats.Skipped != 8 || stats.Overlong != 1 || stats.Lines != 9 {
		t.Errorf("%+v", stats)
	}
}

// TestPostfixBounded: the session silent for longest is reported when there are too many.
func TestPostfixBounded(t *testing.T) {
	o := options()
	o.Sessions = 2
	var lines []string
	for pid := range 10 {
		lines = append(lines, smtpd(pid, connect, reject)...)
		lines = append(lines, smtpd(0, "NOQUEUE: x")...)
	}
	p := NewPostfix(o)
	var got int
	for i, line := range lines {
		p.Line([]byte(line), func(Report) { got++ })
		if want := max(0, (i+3)/3-2); got != want {
			t.Fatalf("after line %d: %d reports, want %d", i, got, want)
		}
	}
	if len(p.open.byKey) != 2 {
		t.Error(len(p.open.byKey))
	}
}

func TestPostfixExpire(t *testing.T) {
	p := NewPostfix(options())
	var got []string
	emit := func(r Report) { got = append(got, show(r)) }
	for _, line := range smtpd(1, connect, reject) {
		p.Line([]byte(line), emit)
	}
	if p.Oldest() != 0 {
		t.Errorf("oldest line %d", p.Oldest())
	}
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	if p.Expire(at.Add(time.Hour), emit); len(got) != 0 {
		t.Errorf("%q", got)
	}
	p.Line([]byte("Nov 23 09:00:01 mx postfix/smtpd[2]: connect from unknown[203.0.113.8]"), emit)
	if !slices.Equal(got, []string{plain}) {
		t.Errorf("%q", got)
	}
	if p.Oldest() != 2 {
		t.Errorf("oldest line %d", p.Oldest())
	}
}

// TestTimes: the year that a line lacks is that of the newest such time that is not to come.
func TestTimes(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for _, test := range []struct {
		now, text, want string
		zone            *time.Location
	}{
		{"2026-11-23T09:00:00Z", "Nov 23 08:50:32", "2026-11-23T08:50:32Z", time.UTC},
		{"2026-11-23T09:00:00Z", "Nov 23 08:50:32", "2026-11-23T07:50:32Z", berlin},
		{"2026-11-23T09:00:00Z", "Nov 24 08:00:00", "2026-11-24T08:00:00Z", time.UTC},
		{"2026-11-23T09:00:00Z", "Nov 25 08:00:00", "2025-11-25T08:00:00Z", time.UTC},
		{"2026-01-01T00:10:00Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z", time.UTC},
		{"2025-12-31T23:59:00Z", "Jan  1 00:00:01", "2026-01-01T00:00:01Z", time.UTC},
		{"2026-03-01T00:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z", time.UTC},
		{"2026-11-23T09:00:00Z", "Feb 30 12:00:00", "", time.UTC},
		{"2026-11-23T09:00:00Z", "Nov 23 25:00:00", "", time.UTC},
		{"2026-11-23T09:00:00Z", "2026-11-23T08:50:27.916689+01:00", "2026-11-23T07:50:27.916689Z", time.UTC},
		{"2026-11-23T09:00:00Z", "2026-11-23T08:50:27Z", "2026-11-23T08:50:27Z", berlin},
		{"2026-11-23T09:00:00Z", "2026-11-23 08:50:27", "2026-11-23T07:50:27Z", berlin},
		{"2026-11-23T09:00:00Z", "2026-11-23 08:50:27.123", "2026-11-23T07:50:27.123Z", berlin},
		{"2026-11-23T09:00:00Z", "2026-11-23 08:50:27.123 +0200", "2026-11-23T06:50:27.123Z", berlin},
		{"2026-11-23T09:00:00Z", "2026-11-23 08:50", "", berlin},
		{"2026-11-23T09:00:00Z", "", "", berlin},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		s := stamps{now: func() time.Time { return now }, zone: test.zone}
		for range 2 { // the second time it is remembered
			at, ok := s.read([]byte(test.text))
			if got := at.Format(time.RFC3339Nano); ok != (test.want != "") || ok && got != test.want {
				t.Errorf("%q: got %s, want %s", test.text, got, test.want)
			}
		}
	}
}

// TestReceiver: without a name in the configuration, it is the host in the log; the ID tells hosts apart in any case.
func TestReceiver(t *testing.T) {
	o := options()
	o.Receiver = ""
	log := strings.Join(smtpd(1, reject), "") + "\n" + strings.Replace(smtpd(1, reject)[0], " mx ", " mx2 ", 1) + "\n"
	reports, _ := readBytes(t, "postfix", []byte(log), o)
	if len(reports) != 2 || reports[0].Receiver != "mx" || reports[1].Receiver != "mx2" || reports[0].ID == reports[1].ID {
		t.Errorf("%+v", reports)
	}
	if _, err := NewLog("mail", o); err == nil || !strings.Contains(err.Error(), "postfix") {
		t.Error(err)
	}
	if reports[0].Verb != helo.VerbEHLO {
		t.Error(reports[0])
	}
}
