package mta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dnsbld/listing/helo"
)

// modelSession is a session as it was. The model writes the lines that a mail server logs of it, and reading them must give it back.
type modelSession struct {
	client, name     string // name: confirmed; empty: none
	said             string
	auth, submission bool
	told             bool // the log shows whether it had authenticated
	texts            []string
}

func (m *modelSession) key() string {
	return fmt.Sprintf("%s %q auth=%t", m.client, m.said, m.auth || m.submission)
}

// drawSession draws who it was and what it said. Hostile text stands where a client or a third party can put it.
func drawSession(rt *rapid.T, n int) *modelSession {
	m := &modelSession{client: fmt.Sprintf("203.0.113.%d", n+1), said: rapid.SampledFrom([]string{"192.0.2.25", "198.51.100.7", "h.example", "[198.51.100.7]"}).Draw(rt, "helo"),
		auth: rapid.Bool().Draw(rt, "auth"), submission: rapid.IntRange(0, 3).Draw(rt, "service") == 0}
	if rapid.Bool().Draw(rt, "named") {
		m.name = "h.isp.example"
	}
	return m
}

// postfixLines are what one smtpd process logs of a session.
func (m *modelSession) postfixLines(rt *rapid.T) {
	program := "postfix/smtpd"
	if m.submission {
		program = rapid.SampledFrom([]string{"postfix/submission/smtpd", "postfix-submission/smtpd", "postfix/smtps/smtpd"}).Draw(rt, "program")
	}
	name := m.name
	if name == "" {
		name = "unknown"
	}
	peer := name + "[" + m.client + "]"
	if rapid.Bool().Draw(rt, "ports") {
		peer += ":4711"
	}
	end := "; from=<" + mailbox(rt, "sender", "sender.example") + "> to=<" + mailbox(rt, "recipient", "rcpt.example") + "> proto=ESMTP helo=<" + neutered(m.said) + ">"
	sasl := ""
	if m.auth {
		sasl = ", sasl_method=PLAIN, sasl_username=" + junk("").Draw(rt, "user")
	}
	say := func(text string) {
		m.texts = append(m.texts, fmt.Sprintf("Nov 23 08:00:00 mx %s[%s]: %s", program, m.client[len("203.0.113."):], text))
	}
	say("connect from " + peer)
	for range rapid.IntRange(1, 3).Draw(rt, "rejects") {
		say("NOQUEUE: reject: RCPT from " + peer + ": 554 5.7.1 " + junk("").Draw(rt, "reply") + end)
	}
	switch rapid.IntRange(0, 3).Draw(rt, "ending") {
	case 0:
		say("AAAAAAAAAA: client=" + peer + sasl)
		m.told = true
	case 1:
		say("lost connection after RCPT from " + peer)
		say(fmt.Sprintf("disconnect from %s ehlo=1 auth=%d mail=1 rcpt=0/1 commands=4/5", peer, map[bool]int{true: 1}[m.auth]))
		m.told = true
	case 2:
		say("disconnect from " + peer) // before 3.0
	}
	m.said = neutered(m.said)
}

// eximLines are what one Exim process logs of a session.
func (m *modelSession) eximLines(rt *rapid.T) {
	host := m.name
	if host != "" {
		host += " "
	}
	host += "(" + m.said + ") [" + m.client + "]" + rapid.SampledFrom([]string{"", ":20042"}).Draw(rt, "port")
	fields := rapid.SampledFrom([]string{"", " I=[192.0.2.25]:25", " I=[192.0.2.25]:25 Ci=8001"}).Draw(rt, "selectors")
	if m.submission {
		fields = " I=[192.0.2.25]:587"
	}
	auth, protocol := "", "esmtp"
	if m.auth {
		auth, protocol = " A=plain:user", "esmtpa"
	}
	sender := mailbox(rt, "sender", "sender.example")
	say := func(text string) { m.texts = append(m.texts, "2026-11-23 08:00:00 "+text) }
	for range rapid.IntRange(1, 3).Draw(rt, "lines") {
		switch rapid.IntRange(0, 4).Draw(rt, "line") {
		case 0:
			say("H=" + host + fields + " F=<" + sender + ">" + auth + " rejected RCPT <" + mailbox(rt, "recipient", "rcpt.example") + ">: " + junk("[").Draw(rt, "reply"))
			m.told = true
		case 1:
			say(eximID + "<= " + sender + " H=" + host + fields + " P=" + protocol + auth + ` S=430 id=` + junk("[\"").Draw(rt, "id") + " for b@rcpt.example")
			m.told = true
		case 2:
			say("H=" + host + fields + " rejected MAIL <" + sender + ">: " + junk("[").Draw(rt, "reply"))
		case 3:
			say("H=" + host + fields + " sender verify fail for <a@sender.example>")
		case 4:
			say("H=" + host + fields + " Warning: " + junk("[").Draw(rt, "reply"))
		}
	}
}

// interleave mixes the lines of sessions, each in its order.
func interleave(rt *rapid.T, sessions []*modelSession) string {
	var log strings.Builder
	rest := map[int][]string{}
	var open []int
	for i, m := range sessions {
		rest[i] = m.texts
		open = append(open, i)
	}
	for len(open) > 0 {
		at := rapid.IntRange(0, len(open)-1).Draw(rt, "next")
		i := open[at]
		log.WriteString(rest[i][0] + "\n")
		if rest[i] = rest[i][1:]; len(rest[i]) == 0 {
			open = slices.Delete(open, at, at+1)
		}
	}
	return log.String()
}

// TestModel: sessions are written as Postfix and Exim log them, with hostile text wherever somebody can put it, and read back: each is
// that client's, with its HELO; no customer is bogus; and that a client is a stranger is known
// exactly where the log shows it, but for lines that can be read in two ways.
func TestModel(t *testing.T) {
	for format, write := range map[string]func(*modelSession, *rapid.T){"postfix": (*modelSession).postfixLines, "exim": (*modelSession).eximLines} {
		rapid.Check(t, func(rt *rapid.T) {
			byClient := map[string]*modelSession{}
			var sessions []*modelSession
			for n := range rapid.IntRange(1, 4).Draw(rt, "sessions") {
				m := drawSession(rt, n)
				write(m, rt)
				sessions = append(sessions, m)
				byClient[m.client] = m
			}
			text := interleave(rt, sessions)
			log, err := NewLog(format, options())
			if err != nil {
				rt.Fatal(err)
			}
			seen := 0
			if _, err := Read(strings.NewReader(text), log, func(r Report) error {
				m := byClient[r.Client.String()]
				if m == nil || m.said != r.HELO {
					rt.Fatalf("%s said %q\n%s", r.Client, r.HELO, text)
				}
				seen++
				checkModel(rt, log, m, r, text)
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
			if stats := log.Stats(); seen != len(sessions) && stats.Missed() == 0 {
				rt.Fatalf("%d of %d sessions, %+v\n%s", seen, len(sessions), stats, text)
			}
		})
	}
}

func checkModel(rt *rapid.T, log Log, m *modelSession, r Report, text string) {
	stranger := !m.auth && !m.submission
	bogus := helo.Classify(r.Session).Bogus()
	switch {
	case bogus && !stranger:
		rt.Fatalf("%s is a customer, and accused\n%s", m.key(), text)
	case bogus && !m.told:
		rt.Fatalf("%s is accused, and the log does not show that he had not authenticated\n%s", m.key(), text)
	case stranger && m.told && r.Unproven && log.Stats().Ambiguous == 0:
		rt.Fatalf("%s is a stranger, as the log shows, and that was not read\n%s", m.key(), text)
	case m.submission && !r.Submission:
		rt.Fatalf("%s came for submission\n%s", m.key(), text)
	case stranger && (r.Auth || r.Submission):
		rt.Fatalf("%s is a stranger, and taken for a customer\n%s", m.key(), text)
	}
	for _, domain := range r.Recipients {
		if domain != "rcpt.example" {
			rt.Fatalf("recipient %q\n%s", domain, text)
		}
	}
}

// TestPostfixVersions: from 3.10 on a line shows that its client had authenticated; that the log is of such a version is shown by a line
// that has it, or by the master.
func TestPostfixVersions(t *testing.T) {
	const lone = "Nov 23 08:00:00 mx postfix/smtpd[1]: " + reject
	authenticated := "Nov 23 08:00:00 mx postfix/smtpd[2]: " + strings.Replace(reject, "7]", "8]", 1) + " sasl_method=PLAIN sasl_username=u"
	for text, unproven := range map[string]bool{
		lone: true,
		"Nov 23 08:00:00 mx postfix/master[1]: daemon started -- version 3.10.2, configuration /etc/postfix\n" + lone: false,
		"Nov 23 08:00:00 mx postfix/master[1]: daemon started -- version 4.0, configuration /etc/postfix\n" + lone:    false,
		"Nov 23 08:00:00 mx postfix/master[1]: reload -- version 3.9.1, configuration /etc/postfix\n" + lone:          true,
		authenticated + "\n" + lone: false,
	} {
		reports, _ := readBytes(t, "postfix", []byte(text+"\n"), options())
		for _, r := range reports {
			if r.Client.String() == "203.0.113.7" && r.Unproven != unproven || r.Client.String() == "203.0.113.8" && !r.Auth {
				t.Errorf("%s: %+v", text, r)
			}
		}
	}
}

// TestJournal: what journalctl -o json writes reads as the same lines in a file do.
func TestJournal(t *testing.T) {
	entry := func(program, pid string, message any) string {
		raw, err := json.Marshal(map[string]any{"MESSAGE": message, "SYSLOG_IDENTIFIER": program, "SYSLOG_PID": pid, "_PID": "1", "_HOSTNAME": "mx",
			"_SOURCE_REALTIME_TIMESTAMP": "1795420800123456", "__REALTIME_TIMESTAMP": "1", "PRIORITY": "6"})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	octets := []int{}
	for _, c := range []byte("2026-11-23 08:00:00 " + strings.Replace(eximReject, "h.example", "\xff.example", 1)) {
		octets = append(octets, int(c))
	}
	lines := []string{entry("postfix/smtpd", "1", connect), entry("postfix/smtpd", "1", reject), entry("postfix/smtpd", "1", disconnect),
		entry("exim4", "2", eximReject), entry("exim", "3", octets), entry("kernel", "1", reject), ""}
	stats := checkLog(t, "journal", lines, plain, eximPlain, `203.0.113.7  "\xff.example" rcpt.example`)
	if stats.Missed() != 0 || stats.Known != 5 {
		t.Errorf("%+v", stats)
	}
	reports, stats := readBytes(t, "journal", []byte(strings.Join(append(lines, "x", `{"MESSAGE":"y"}`), "\n")), options())
	if stats.Skipped != 2 || reports[0].Unproven || reports[0].Time.Format("15:04:05.000000") != "08:00:00.123456" || reports[0].Receiver != "mx1" {
		t.Errorf("%+v, %+v", stats, reports)
	}
}
