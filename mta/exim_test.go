package mta

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing/helo"
)

// exim writes lines of a main log, a second apart.
func exim(texts ...string) []string {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var lines []string
	for _, text := range texts {
		lines = append(lines, at.Format("2006-01-02 15:04:05 ")+text)
		at = at.Add(time.Second)
	}
	return lines
}

const (
	eximReject = "H=(h.example) [203.0.113.7] F=<a@sender.example> rejected RCPT <b@rcpt.example>: no"
	eximPlain  = `203.0.113.7  "h.example" rcpt.example`
	eximID     = "1xVPpu-000046-38 "
)

func TestEximLines(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  []string
	}{
		"a reject":            {exim(eximReject), []string{eximPlain}},
		"ten recipients":      {exim(slices.Repeat([]string{eximReject}, 10)...), []string{eximPlain}},
		"two recipients":      {exim(eximReject, strings.Replace(eximReject, "b@rcpt", "b@two", 1)), []string{eximPlain + ",two.example"}},
		"temporarily":         {exim(strings.Replace(eximReject, "rejected", "temporarily rejected", 1)), []string{eximPlain}},
		"another HELO":        {exim(eximReject, strings.Replace(eximReject, "h.example", "i.example", 1)), []string{eximPlain, `203.0.113.7  "i.example" rcpt.example`}},
		"a minute later":      {[]string{exim(eximReject)[0], "2026-11-23 08:01:01 " + eximReject}, []string{eximPlain, eximPlain}},
		"less than a minute":  {[]string{exim(eximReject)[0], "2026-11-23 08:00:59 " + eximReject}, []string{eximPlain}},
		"closed between":      {exim(eximReject, "SMTP connection from (h.example) [203.0.113.7] closed by QUIT", eximReject), []string{eximPlain, eximPlain}},
		"nothing but closed":  {exim("SMTP connection from (h.example) [203.0.113.7] closed by QUIT"), []string{`203.0.113.7  "h.example" `}},
		"closed, no HELO":     {exim("SMTP connection from a.example [203.0.113.7] lost D=0s"), nil},
		"opened":              {exim("SMTP connection from [203.0.113.7] (TCP/IP connection count = 1)"), nil},
		"accepted":            {exim(eximID + "<= a@sender.example H=(h.example) [203.0.113.7] P=esmtps X=TLS1.3:x:256 CV=no S=430 id=x for b@rcpt.example c@two.example"), []string{`203.0.113.7 EHLO "h.example" rcpt.example,two.example`}},
		"accepted, new ID":    {exim("1xVPpu-00000000046-38ab <= a@sender.example H=(h.example) [203.0.113.7] P=smtp S=430"), []string{`203.0.113.7 HELO "h.example" `}},
		"authenticated":       {exim(eximID + "<= a@sender.example H=(h.example) [203.0.113.7] P=esmtpsa A=plain:u S=430"), []string{`203.0.113.7 EHLO "h.example"  auth`}},
		"authenticated, then": {exim("H=(h.example) [203.0.113.7] X=TLS1.3:x:256 CV=no A=plain:u F=<a@sender.example> rejected RCPT <b@rcpt.example>: no"), []string{eximPlain + " auth"}},
		"SNI is the client's": {exim(`H=(h.example) [203.0.113.7] X=TLS1.3:x:256 SNI="x A=u" CV=no F=<a@sender.example> rejected RCPT <b@rcpt.example>: no`), []string{eximPlain}},
		"null sender":         {exim(eximID + "<= <> H=(h.example) [203.0.113.7] P=esmtp S=430"), []string{`203.0.113.7 EHLO "h.example"  null`}},
		"after DATA":          {exim(eximID + "H=(h.example) [203.0.113.7] F=<> rejected after DATA: no"), []string{`203.0.113.7  "h.example"  null`}},
		"submission":          {exim("H=(h.example) [203.0.113.7] I=[192.0.2.25]:587 F=<a@sender.example> rejected RCPT <b@rcpt.example>: no"), []string{eximPlain + " submission"}},
		"ports":               {exim("H=(h.example) [203.0.113.7]:4711 I=[192.0.2.25]:25 F=<a@sender.example> rejected RCPT <b@rcpt.example>: no"), []string{eximPlain}},
		"confirmed name":      {exim("H=a.example (h.example) [203.0.113.7] F=<a@sender.example> rejected RCPT <b@rcpt.example>: no"), []string{eximPlain + " fcrdns"}},
		"HELO left out":       {exim(eximID + "<= a@sender.example H=a.example [203.0.113.7] P=esmtp S=430"), []string{`203.0.113.7 EHLO "a.example"  fcrdns`}},
		"did not greet":       {exim("H=[203.0.113.7] F=<a@sender.example> rejected RCPT <b@rcpt.example>: no"), []string{`203.0.113.7 NONE "" rcpt.example`}},
		"refused HELO":        {exim(`rejected HELO from (x) [203.0.113.7]: syntactically invalid argument(s): a\001\033[31m\\\n\q`), []string{`203.0.113.7 HELO "a\x01\x1b[31m\\\n\\q" `}},
		"no argument":         {exim("rejected EHLO from [203.0.113.7]: syntactically invalid argument(s): (no argument given)"), []string{`203.0.113.7 EHLO "" `}},
		"millisecs, zone, process": {[]string{"2026-11-23 08:00:00.123 +0100 [4711] " + eximReject, "2026-11-23 08:02:00.123 +0100 [4711] " + eximReject, "2026-11-23 08:02:00.123 +0100 [4712] " + eximReject},
			[]string{eximPlain, eximPlain}},
		"by syslog, without its own time": {[]string{"Nov 23 08:00:00 mx exim[1]: " + eximReject, "Nov 23 08:00:00 mx exim[1]: " + eximReject, "Nov 23 08:00:00 mx exim[2]: " + eximReject},
			[]string{eximPlain, eximPlain}},
		"not ours": {[]string{"Nov 23 08:00:00 mx sshd[1]: " + eximReject}, nil},
		"sent": {exim(eximID+"=> b@rcpt.example R=dnslookup T=remote_smtp H=mx.rcpt.example [203.0.113.7] X=TLS1.3:x:256 C=\"250 ok\"",
			eximID+"H=mx.rcpt.example [203.0.113.7]: SMTP timeout", eximID+"H=mx.rcpt.example [203.0.113.7] Connection refused", eximID+"Completed",
			"no host name found for IP address 203.0.113.7", "TLS error on connection from (h.example) [203.0.113.7]"), nil},
		"local": {exim(eximID + "<= root@mx.rcpt.example U=root P=local S=430"), nil},

		// Forged.
		"H= in the sender":           {exim(eximID + `<= "z H=(x) [198.51.100.66] P=esmtp"@sender.example H=a.example [203.0.113.7] P=esmtp S=430`), []string{`203.0.113.7 EHLO "a.example"  fcrdns`}},
		"a reject in the sender":     {exim(`H=(h.example) [203.0.113.7] F=<"> rejected RCPT <x@forged.example>"@sender.example> rejected RCPT <b@rcpt.example>: no`), []string{eximPlain}},
		"recipient in the recipient": {exim(`H=(h.example) [203.0.113.7] F=<a@sender.example> rejected RCPT <"x@forged.example> y"@rcpt.example>: no`), []string{eximPlain}},
		"an argument like a host":    {exim("rejected EHLO from [203.0.113.7]: syntactically invalid argument(s): x) [198.51.100.66] (y"), []string{`203.0.113.7 EHLO "x) [198.51.100.66] (y" `}},
	} {
		t.Run(name, func(t *testing.T) {
			stats := checkLog(t, "exim", test.lines, test.want...)
			if stats.Skipped+stats.Ambiguous != 0 || stats.Lines != int64(len(test.lines)) {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// TestEximAmbiguous: with helo_accept_junk_hosts, what is said may look like another client. Such lines are left alone.
func TestEximAmbiguous(t *testing.T) {
	for _, said := range []string{
		"x) [198.51.100.66] (y",
		"x) [198.51.100.66] F=<a@b.example> rejected RCPT <c@d.example>: (y",
		"x) [198.51.100.66] I=[192.0.2.25]:25 P=esmtp S=1 (y",
		"x) [198.51.100.66] closed by QUIT (y",
		"x) [198.51.100.66]: syntactically invalid argument(s): 192.0.2.25 (y",
	} {
		for _, line := range []string{
			"H=(" + said + ") [203.0.113.7] F=<a@sender.example> rejected RCPT <b@rcpt.example>: no",
			"H=a.example (" + said + ") [203.0.113.7] F=<a@sender.example> rejected RCPT <b@rcpt.example>: no",
			eximID + "<= a@sender.example H=(" + said + ") [203.0.113.7] P=esmtp S=430",
			"SMTP connection from (" + said + ") [203.0.113.7] closed by QUIT",
			"rejected EHLO from (" + said + ") [203.0.113.7]: syntactically invalid argument(s): z",
		} {
			if stats := checkLog(t, "exim", exim(line)); stats.Ambiguous != 1 {
				t.Errorf("%s: %+v", line, stats)
			}
		}
	}
}

// TestEximBrackets: what looks like the end of a HELO, and names no address, is a part of it; a refusal may repeat the client.
func TestEximBrackets(t *testing.T) {
	for _, said := range []string{"x) [", ") [", "x) [y] (", "x) [198.51.100.66"} {
		line := "H=(" + said + ") [203.0.113.7] F=<a@sender.example> rejected RCPT <b@rcpt.example>: (" + said + ") [203.0.113.7]:4711 is listed"
		if stats := checkLog(t, "exim", exim(line), fmt.Sprintf("203.0.113.7  %q rcpt.example", said)); stats.Missed() != 0 {
			t.Errorf("%s: %+v", line, stats)
		}
	}
}

// TestEximServer: the address that was connected to is one of ours.
func TestEximServer(t *testing.T) {
	reports, _ := readAll(t, "exim", "exim-usual.log", options())
	for _, r := range reports {
		if want := addrs("192.0.2.25", "2001:db8:25::25"); len(r.OurIPs) != 1 || !slices.Contains(want, r.OurIPs[0]) {
			t.Errorf("%+v", r)
		}
		if v := helo.Classify(r.Session); r.HELO == "192.0.2.25" && v.Code != helo.CodeOurIP {
			t.Errorf("%+v: %s", r, v.Code)
		}
	}
}

func TestEximSkips(t *testing.T) {
	lines := []string{"", "x", "2026-11-23 08:00:61 " + eximReject, "2026-11-23 08:00:00", "2026-11-23"}
	if stats := checkLog(t, "exim", lines); stats.Skipped != int64(len(lines)) {
		t.Errorf("%+v", stats)
	}
}

// TestEximOldest: a session is open until it is closed or has been silent.
func TestEximOldest(t *testing.T) {
	e := NewExim(options())
	none := func(Report) {}
	steps := []struct {
		line string
		want int64
	}{
		{"2026-11-23 08:00:00 Completed", 1},
		{"2026-11-23 08:00:00 " + eximReject, 1},
		{"2026-11-23 08:00:00 [7] " + strings.Replace(eximReject, "h.example", "i.example", 1), 1},
		{"2026-11-23 08:00:01 SMTP connection from (h.example) [203.0.113.7] closed by QUIT", 2},
		{"2026-11-23 08:00:01 [7] SMTP connection from (i.example) [203.0.113.7] closed by QUIT", 5},
	}
	for _, step := range steps {
		if e.Line([]byte(step.line), none); e.Oldest() != step.want {
			t.Errorf("after %q: %d, want %d", step.line, e.Oldest(), step.want)
		}
	}
}

// TestEximParts: what comes by syslog in parts is one entry, whoever writes between them.
func TestEximParts(t *testing.T) {
	say := func(pid int, text string) string { return fmt.Sprintf("Nov 23 08:00:00 mx exim[%d]: %s", pid, text) }
	head, tail := "H=(h.example) [203.0.113.7] F=<a@sender.ex", "ample> rejected RCPT <b@rcpt.example>: no"
	noVerb := `203.0.113.7  "h.example" rcpt.example`
	for name, test := range map[string]struct {
		lines  []string
		want   []string
		missed int64
	}{
		"two":            {[]string{say(1, "[1/2] "+head), say(1, "[2/2] "+tail)}, []string{noVerb}, 0},
		"with its time":  {[]string{say(1, "[1/2] 2026-11-23 08:00:00 "+head), say(1, "[2/2] "+tail)}, []string{noVerb}, 0},
		"with another":   {[]string{say(1, "[1/2] "+head), say(2, "no host name found for IP address 203.0.113.9"), say(1, "[2/2] "+tail)}, []string{noVerb}, 0},
		"lines":          {[]string{say(1, `[1\2] Warning: purging the environment.`), say(1, "[2/2]  Suggested action: use keep_environment.")}, nil, 0},
		"no beginning":   {[]string{say(1, "[2/2] "+tail)}, nil, 1},
		"one is missing": {[]string{say(1, "[1/3] "+head), say(1, "[3/3] "+tail)}, nil, 1},
		"no part":        {[]string{say(1, "[1/1] "+head+tail), say(1, "[x/2] "+head+tail), say(1, "[4711] "+head+tail)}, []string{noVerb}, 2},
	} {
		if stats := checkLog(t, "exim", test.lines, test.want...); stats.Missed() != test.missed {
			t.Errorf("%s: %+v", name, stats)
		}
	}
	parts := eximParts{}
	for i := range 3 * maxEximParts {
		parts.add(fmt.Append(nil, i), []byte("[1/2] x"))
	}
	if len(parts) > maxEximParts {
		t.Errorf("%d entries are kept", len(parts))
	}
}

// TestEximShapedFields: what looks like another client in a sender, a recipient, a subject or a
// message ID is not one; what looks so in a HELO may be.
func TestEximShapedFields(t *testing.T) {
	const noVerb = `203.0.113.7  "h.example" rcpt.example`
	for name, test := range map[string]struct {
		text, want string
		ambiguous  int64
	}{
		"sender":     {`H=(h.example) [203.0.113.7] F=<"a) [198.51.100.9]"@s.example> rejected RCPT <b@rcpt.example>: no`, noVerb, 0},
		"quoted":     {`H=(h.example) [203.0.113.7] F=<"\") [198.51.100.9]"@s.example> rejected RCPT <b@rcpt.example>: no`, noVerb, 0},
		"recipient":  {`H=(h.example) [203.0.113.7] F=<a@s.example> rejected RCPT <"x) [198.51.100.9]"@rcpt.example>: no`, noVerb, 0},
		"text":       {`H=(h.example) [203.0.113.7] F=<a@s.example> rejected RCPT <b@rcpt.example>: (x) [198.51.100.9] is not you`, noVerb, 0},
		"subject":    {`1wIZyP-000000-AB <= a@s.example H=(h.example) [203.0.113.7] P=esmtp S=1 T="x) [198.51.100.9]" for b@rcpt.example`, `203.0.113.7 EHLO "h.example" rcpt.example`, 0},
		"message ID": {`1wIZyP-000000-AB <= a@s.example H=(h.example) [203.0.113.7] P=esmtp S=1 id=x) [198.51.100.9]@s for b@rcpt.example`, `203.0.113.7 EHLO "h.example" rcpt.example`, 0},
		"HELO":       {`H=(h) [198.51.100.9]) [203.0.113.7] F=<a@s.example> rejected RCPT <b@rcpt.example>: no`, "", 1},
		"HELO with fields": {`H=(h) [198.51.100.9] F=<a@s.example> rejected RCPT <b@rcpt.example>: no) [203.0.113.7] F=<c@s.example> rejected RCPT <b@rcpt.example>: no`,
			"", 1},
		"HELO that opens a quote": {`H=(h) [198.51.100.9] F=<") [203.0.113.7] F=<"@s.example> rejected RCPT <b@rcpt.example>: no`, "", 1},
		"HELO of a connection":    {`SMTP connection from (h) [198.51.100.9] closed by QUIT) [203.0.113.7] closed by QUIT`, "", 1},
		"refused HELO":            {`rejected EHLO from (h) [198.51.100.9]) [203.0.113.7]: syntactically invalid argument(s): h) [198.51.100.9]`, "", 1},
	} {
		var want []string
		if test.want != "" {
			want = []string{test.want}
		}
		if stats := checkLog(t, "exim", exim(test.text), want...); stats.Ambiguous != test.ambiguous {
			t.Errorf("%s: %+v", name, stats)
		}
	}
}
