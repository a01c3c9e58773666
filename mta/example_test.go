package mta_test

import (
	"fmt"
	"strings"
	"time"

	"dnsbld/listing/helo"
	"dnsbld/mta"
)

func ExampleRead() {
	log := strings.NewReader(`
Nov 23 08:50:27 mx postfix/smtpd[379]: connect from unknown[203.0.113.11]
Nov 23 08:50:27 mx postfix/smtpd[379]: NOQUEUE: reject: RCPT from unknown[203.0.113.11]: 554 5.7.1 no; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<192.0.2.25>
Nov 23 08:50:28 mx postfix/smtpd[379]: disconnect from unknown[203.0.113.11] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4
`[1:])
	options := mta.LogOptions{
		Zone: time.UTC,
		Now:  func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
	}
	stats, err := mta.Read(log, mta.NewPostfix(options), func(r mta.Report) error {
		fmt.Println(r.Time.Format(time.RFC3339), r.Receiver, r.Client, r.Verb, helo.Escape(r.HELO, 80), r.Recipients)
		return nil
	})
	fmt.Println(stats.Lines, "lines,", stats.Sessions, "session,", err)
	// Output:
	// 2026-11-23T08:50:27Z mx 203.0.113.11 EHLO 192.0.2.25 [rcpt.example]
	// 3 lines, 1 session, <nil>
}
