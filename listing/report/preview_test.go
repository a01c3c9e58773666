package report

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dnsbld/listing"
)

// The widest prefixes and the busiest networks are those that sorting all would
// give.
func TestPreviewModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Previewer{networks: map[listing.Subject]int{}}
		seen := map[listing.Subject]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "lines") {
			s := subject(fmt.Sprintf("%d.0.0.0/%d", rapid.IntRange(1, 9).Draw(t, "octet"), rapid.IntRange(8, 32).Draw(t, "bits")))
			p.widest(s)
			if !s.IsHost() {
				seen[s] = true
			}
		}
		var want []listing.Subject
		for s := range seen {
			want = append(want, s)
		}
		slices.SortFunc(want, func(a, b listing.Subject) int {
			if c := a.Bits() - b.Bits(); c != 0 {
				return c
			}
			return a.Compare(b)
		})
		if want = want[:min(len(want), previewPrefixes)]; !slices.Equal(p.found.Widest, want) {
			t.Fatalf("%v, want %v", p.found.Widest, want)
		}
	})
}
