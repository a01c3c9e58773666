package ctl

import (
	"testing"

	"dnsbld/listing/report"
)

// An outcome counts the changes that it does not show, or the entries where nothing changed.
func TestShow(t *testing.T) {
	for _, tt := range []struct{ changes, entries, most, shown, named, more int }{
		{0, 0, 20, 0, 0, 0},
		{3, 3, 0, 3, 3, 0},
		{3, 3, -1, 3, 3, 0},
		{20, 20, 20, 20, 20, 0},
		{25, 30, 20, 20, 20, 5},
		{0, 30, 20, 0, 20, 10},
		{5, 30, 20, 5, 20, 0},
	} {
		o := Outcome{Changes: make([]report.Event, tt.changes), Entries: make([]report.Row, tt.entries)}
		if o.Show(tt.most); len(o.Changes) != tt.shown || len(o.Entries) != tt.named || o.More != tt.more {
			t.Errorf("%+v: %d changes, %d entries, %d more", tt, len(o.Changes), len(o.Entries), o.More)
		}
	}
}
