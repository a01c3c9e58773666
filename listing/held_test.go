package listing

import (
	"testing"
	"time"
)

// WhyNot says what keeps an entry from listing, and of several causes the first.
func TestWhyNot(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	reasons, err := NewReasons(DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	host := subject(t, "192.0.2.7")
	entry := func(prefix, source string, except bool) Entry {
		return Entry{Key: Key{Subject: subject(t, prefix), Reason: Manual, Source: source}, Except: except, Until: noon.Add(time.Hour)}
	}
	for name, c := range map[string]struct {
		others []Entry
		allows []Allow
		never  []Protected
		zones  [][]Reason
		want   Obstacle
		says   string
	}{
		"alone":                       {want: Nothing},
		"own exception, as narrow":    {others: []Entry{entry("192.0.2.7", "", true)}, want: IsExcepted, says: "excepted by 192.0.2.7/32"},
		"own exception, wider":        {others: []Entry{entry("192.0.2.0/24", "", true)}, want: Nothing},
		"another feed's exception":    {others: []Entry{entry("192.0.2.7", "b", true)}, want: Nothing},
		"its own feed's, wider":       {others: []Entry{entry("192.0.2.0/24", "a", true)}, want: Nothing},
		"allow entry":                 {allows: []Allow{{Subject: subject(t, "192.0.2.0/24")}}, want: IsAllowed, says: "hidden by the allow entry for 192.0.2.0/24"},
		"allow entry that has ended":  {allows: []Allow{{Subject: host, Until: noon}}, want: Nothing},
		"never-list before allow":     {allows: []Allow{{Subject: host}}, never: []Protected{{host, "is ours"}}, want: IsProtected, says: "192.0.2.7 is ours"},
		"exception before allow":      {others: []Entry{entry("192.0.2.7", "", true)}, allows: []Allow{{Subject: host}}, want: IsExcepted, says: "excepted by 192.0.2.7/32"},
		"no zone answers it":          {zones: [][]Reason{{BareIP}}, allows: []Allow{{Subject: host}}, want: IsUnanswered, says: "no zone answers its reason"},
		"a zone names it":             {zones: [][]Reason{{BareIP}, {Manual}}, want: Nothing},
		"a zone of what is published": {zones: [][]Reason{nil}, want: Nothing},
	} {
		i := Instant{Rules: Rules{Reasons: reasons, Policy: Policy{Never: c.never}}, Now: noon, Allows: c.allows, Zones: c.zones,
			Sources: Sources{"a": {Name: "a", Until: noon.Add(time.Minute)}, "b": {Name: "b", Until: noon.Add(time.Minute)}}}
		for _, h := range i.Resolve(host, append(c.others, entry("192.0.2.7", "a", false))) {
			if h.Source != "a" || h.Except {
				continue
			}
			if h.WhyNot.Kind != c.want || h.WhyNot.String() != c.says || h.Lists() != (c.want == Nothing) || !h.Until.Equal(noon.Add(time.Minute)) {
				t.Errorf("%s: %+v %q, until %s", name, h.WhyNot, h.WhyNot, h.Until)
			}
		}
	}
}

// An entry of a feed has from its source what it does not say itself, and ends
// with it.
func TestSourcesComplete(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	by := Sources{"a": {Name: "a", Since: noon.Add(-time.Hour), Until: noon.Add(time.Hour), Actor: "alice", Revision: 7}}
	e := by.Complete(Entry{Key: Key{Source: "a"}})
	if !e.Since.Equal(noon.Add(-time.Hour)) || !e.Until.Equal(noon.Add(time.Hour)) || e.Actor != "alice" || e.Origin != ByImport || e.Revision != 7 {
		t.Errorf("%+v", e)
	}
	for _, c := range []struct {
		source string
		until  time.Time
		want   bool
	}{
		{"a", time.Time{}, true}, {"a", noon.Add(time.Minute), true}, {"a", noon, false}, {"a", noon.Add(2 * time.Hour), true},
		{"", noon.Add(time.Minute), true}, {"", noon, false}, {"", time.Time{}, false}, {"gone", time.Time{}, false},
	} {
		if got := by.InForce(Entry{Key: Key{Source: c.source}, Until: c.until}, noon); got != c.want {
			t.Errorf("of source %q until %s: %v", c.source, c.until, got)
		}
	}
	if (Entry{}).Active(noon) != true || (Entry{Until: noon}).Active(noon) {
		t.Error("an entry without an end of its own lasts as long as its source")
	}
}
