package server

import (
	"bytes"
	"testing"

	"dnsbld/costtest"
	"dnsbld/ctl"
	"dnsbld/listing"
)

// The body of a command costs as much as it is long.
func TestBodyCost(t *testing.T) {
	for _, before := range []string{"", "{\"prefix\":\"192.0.2.7/32\",\"note\":\"", "{\"more\":["} {
		for _, piece := range []string{"x", " ", "\"", "\\", "\\u00fc", "[", "{", "{\"a\":", "\"192.0.2.8/32\",", "\"more\":[],", "\xff", "ü", "1", "-", "}"} {
			costtest.Linear(t, 256<<10, before, piece, "", func(raw []byte) {
				var add listing.Add
				_ = decode(bytes.NewReader(raw), &add)
				var delist listing.Delist
				_ = decode(bytes.NewReader(raw), &delist)
				var request ctl.DeskRequest
				_ = decode(bytes.NewReader(raw), &request)
			})
		}
	}
}
