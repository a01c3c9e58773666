package sighting_test

import (
	"fmt"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

func ExampleEvaluate() {
	counters := sighting.Counters{Reasons: map[listing.Reason]sighting.Tally{
		listing.BareIP: {Sessions: 6, All: 20, Hours: 3, Receivers: 2, Targets: 1},
	}}
	for _, sole := range []bool{false, true} {
		for _, d := range sighting.Evaluate(counters, sighting.DefaultThresholds(), sole) {
			fmt.Println(d.Crossed, d.Sentence)
		}
	}
	// Output:
	// true 6 of 20 sessions within 24 hours were helo-bare-ip, in 3 clock hours, on 2 receivers, with 1 target.
	// false 6 of 20 sessions within 24 hours were helo-bare-ip; that does not list: 6 of 10 sessions.
}
