package mta

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing/helo"
)

// judged says what becomes of a log's sessions: how many, how many of them bogus, authenticated and for submission.
func judged(t *testing.T, format, file string, o LogOptions) (summary string, log Log) {
	t.Helper()
	log, reports := readLog(t, format, file, o)
	var bogus, auth, submission int
	codes := map[helo.Code]int{}
	for _, r := range reports {
		our := Our{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25")}, Hosted: []string{"rcpt.example"}}
		our.Fill(&r.Session)
		v := helo.Classify(r.Session)
		codes[v.Code]++
		for n, yes := range map[*int]bool{&bogus: v.Bogus(), &auth: r.Auth, &submission: r.Submission} {
			if yes {
				*n++
			}
		}
	}
	return fmt.Sprintf("%d sessions, %d bogus, %d auth, %d submission %v", len(reports), bogus, auth, submission, codes), log
}

// TestReported: logs as people have posted them. What one does not show accuses nobody.
func TestReported(t *testing.T) {
	for _, test := range []struct{ format, file, want, assumed string }{
		{"exim", "exim-auth-rejected-rcpt.log", "12 sessions, 0 bogus, 12 auth, 0 submission map[exempt-auth:12]", ""},
		{"exim", "exim-connection-id-auth.log", "12 sessions, 0 bogus, 12 auth, 0 submission map[exempt-auth:12]", ""},
		{"exim", "exim-connection-id-auth.control.log", "12 sessions, 0 bogus, 12 auth, 0 submission map[exempt-auth:12]", ""},
		{"exim", "exim-connection-id-reject.log", "1 sessions, 1 bogus, 0 auth, 0 submission map[helo-our-ip:1]", ""},
		{"exim", "exim-closed-with-duration.log", "3 sessions, 0 bogus, 0 auth, 0 submission map[helo-our-ip:2 ok:1]",
			"3 sessions, 2 bogus, 0 auth, 0 submission map[helo-our-ip:2 ok:1]"},
		{"exim", "exim-closed-with-duration.control.log", "3 sessions, 0 bogus, 0 auth, 0 submission map[helo-our-ip:2 ok:1]",
			"3 sessions, 2 bogus, 0 auth, 0 submission map[helo-our-ip:2 ok:1]"},
		{"exim", "exim-cpanel-junkmail.log", "2 sessions, 2 bogus, 0 auth, 0 submission map[helo-our-ip:2]", ""},
		{"exim", "exim-local-scan.log", "1 sessions, 1 bogus, 0 auth, 0 submission map[helo-our-ip:1]", ""},
		{"postfix", "postfix-postscreen.log", "2 sessions, 2 bogus, 0 auth, 0 submission map[helo-our-ip:2]", ""},
		{"postfix", "postfix-syslog-name-submission.log", "12 sessions, 0 bogus, 0 auth, 12 submission map[exempt-submission:12]", ""},
		{"postfix", "journal-short-iso.log", "2 sessions, 0 bogus, 0 auth, 0 submission map[helo-bare-ip:2]",
			"2 sessions, 2 bogus, 0 auth, 0 submission map[helo-bare-ip:2]"},
		{"postfix", "rfc5424.log", "2 sessions, 2 bogus, 0 auth, 0 submission map[helo-our-ip:2]", ""},
		{"postfix", "solaris-id.log", "1 sessions, 1 bogus, 0 auth, 0 submission map[helo-our-ip:1]", ""},
	} {
		t.Run(test.file, func(t *testing.T) {
			o := options()
			o.Now = func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }
			got, log := judged(t, test.format, "reported/"+test.file, o)
			if got != test.want || log.Stats().Missed() != 0 {
				t.Errorf("got  %s\nwant %s\n%+v %+v", got, test.want, log.Stats(), log.NotUnderstood())
			}
			if test.assumed == "" {
				test.assumed = test.want
			}
			o.AssumeUnauthenticated = true
			if got, _ := judged(t, test.format, "reported/"+test.file, o); got != test.assumed {
				t.Errorf("assumed unauthenticated: got  %s\nwant %s", got, test.assumed)
			}
		})
	}
}

// TestServices: what the operator says of a name comes first; a name that nobody knows is worth a note.
func TestServices(t *testing.T) {
	line := func(program string) []string {
		return []string{"Nov 23 08:00:00 mx " + program + "/smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 554 5.7.1 <b@rcpt.example>: " +
			"Relay access denied; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<192.0.2.1>"}
	}
	for _, test := range []struct {
		program  string
		services map[string]bool
		want     string
	}{
		{"postfix", nil, "helo-bare-ip medium"},
		{"postfix-mx", nil, "helo-bare-ip note"},
		{"postfix-mx", map[string]bool{"postfix-mx": false}, "helo-bare-ip medium"},
		{"postfix", map[string]bool{"postfix": true}, "exempt-submission exempt"},
		{"postfix/submission", nil, "exempt-submission exempt"},
		{"postfix/submissions", nil, "exempt-submission exempt"},
		{"postfix/smtps", nil, "exempt-submission exempt"},
		{"postfix-smtps", nil, "exempt-submission exempt"},
		{"mail-587", nil, "exempt-submission exempt"},
		{"postfix/465", nil, "exempt-submission exempt"},
		{"postfix-submission", map[string]bool{"postfix-submission": false}, "helo-bare-ip medium"},
	} {
		o := options()
		o.Services = test.services
		reports, _ := readBytes(t, "postfix", []byte(line(test.program)[0]), o)
		if len(reports) != 1 {
			t.Errorf("%s: %+v", test.program, reports)
			continue
		}
		v := helo.Classify(reports[0].Session)
		if got := fmt.Sprint(v.Code, " ", v.Strength); got != test.want {
			t.Errorf("%s: %s, want %s", test.program, got, test.want)
		}
	}
}
