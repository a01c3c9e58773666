package delist_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
)

func ExampleJudge() {
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		fmt.Println(err)
		return
	}
	info, _ := reasons.Info(listing.BareIP)
	client, now := netip.MustParseAddr("192.0.2.7"), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	d := delist.Judge(delist.Facts{
		Address: client,
		Entries: []delist.Listing{{Info: info, Entry: listing.Entry{
			Key:   listing.Key{Subject: listing.HostSubject(client), Reason: info.Code},
			Level: 2, Until: now.Add(48 * time.Hour)}}},
		Counters: delist.Counters{LastBogus: now.Add(-time.Hour), Bogus: 6},
	}, now)
	fmt.Println(d.Code, d.RetryAfter.Format(time.RFC3339))
	fmt.Println(d.Sentence)
	// Output:
	// STILL_OFFENDING 2026-11-23T17:00:00Z
	// The last bogus greeting from 192.0.2.7 came at 2026-11-23 11:00:00 UTC, less than 6 hours ago.
}

func ExampleTriage() {
	f, err := delist.Triage(context.Background(), strings.NewReader(`Please unblock us. Our server answers
"220 mail.sender.example ESMTP", and this is from a mail of ours:

*Received: from mail.sender.example (mail.sender.example [
192.0.2.7])* * by mx1.rcpt.example (Postfix) with ESMTP id A2B4
* for ; Fri, 20 Nov 2026 10:11:12 +0100 (CET)*`), delist.Ours{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Address, f.HELO, f.Time.Format(time.RFC3339))
	for _, c := range f.Claims {
		fmt.Printf("%s shows %s\n", c.Kind, c.Proves)
	}
	// Output:
	// 192.0.2.7 mail.sender.example 2026-11-20T09:11:12Z
	// received shows that 192.0.2.7 greeted that server as mail.sender.example, and that its reverse name mail.sender.example led back to it
	// banner shows what the server answers to those who connect to it, which is inbound information
}
