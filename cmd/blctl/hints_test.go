package main

import (
	"testing"

	"dnsbld/listing"
)

// A hint names what the refusal was about, and can be read when it is not known.
func TestHints(t *testing.T) {
	for _, tt := range []struct {
		err  listing.Error
		want string
	}{
		{listing.Error{Code: "sourced", Names: map[string]string{"PREFIX": "192.0.2.7"}}, "`blctl delist 192.0.2.7` takes it out of the source by an exception"},
		{listing.Error{Code: "sourced"}, "`blctl delist PREFIX` takes it out of the source by an exception"},
		{listing.Error{Code: "revision", Names: map[string]string{"SOURCE": "PREFIX"}}, "it was imported meanwhile: look at `blctl source show PREFIX` and decide again"},
		{listing.Error{Code: "sourced", Hint: "its own"}, "its own"},
		{listing.Error{Code: "not-text", Names: map[string]string{"UNPACK": "bzcat FILE"}}, "unpack it first: `bzcat FILE | blctl import - …`"},
		{listing.Error{Code: "nobody has words for it"}, ""},
	} {
		if got := hintOf(&tt.err); got != tt.want {
			t.Errorf("%s: %q, wanted %q", tt.err.Code, got, tt.want)
		}
	}
}
