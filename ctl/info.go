package ctl

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/report"
	"dnsbld/listing/sighting"
)

// Status is how the daemon is.
type Status struct {
	Version  string           `json:"version"`
	Started  time.Time        `json:"started,omitzero"`
	Uptime   string           `json:"uptime"` // "3d4h", whole seconds
	User     string           `json:"user"`   // who asks, as changes would name him
	Revision listing.Revision `json:"revision"`
	Served   listing.Revision `json:"served"` // what answers are given from
	Store    listing.Status   `json:"store"`
	Zones    []report.Zone    `json:"zones"`

	Sensor  *SensorStatus     `json:"sensor,omitempty"`
	Breaker *sighting.Breaker `json:"breaker,omitempty"` // of automatic listing
}

func (s *Server) status(w http.ResponseWriter, r *http.Request, who Caller) error {
	store, err := s.cfg.Book.Store().Status(r.Context())
	if err != nil {
		return err
	}
	st := Status{Version: s.cfg.Version, Started: s.cfg.Started.UTC().Truncate(time.Second), User: who.Name,
		Revision: store.Head, Store: store, Zones: []report.Zone{}}
	if !s.cfg.Started.IsZero() {
		st.Uptime = listing.Life(s.cfg.Book.Now().Sub(s.cfg.Started)).String()
	}
	if set := s.cfg.Live.Set(); set != nil {
		st.Served = set.Revision()
	}
	if s.cfg.Zones != nil {
		st.Zones = s.cfg.Zones()
	}
	if s.cfg.Sensor != nil {
		sensor := s.cfg.Sensor.Status()
		st.Sensor, st.Breaker = &sensor, &sensor.Breaker
	}
	return reply(w, http.StatusOK, st)
}

// Count is a number of entries in force.
type Count struct {
	Name      string `json:"name"`
	Entries   int    `json:"entries"`
	Published bool   `json:"published,omitempty"` // of a reason
}

// Stats are numbers about the list, and about DNS as the daemon counts it.
type Stats struct {
	Revision listing.Revision `json:"revision"`
	Entries  int              `json:"entries"`    // in force, exceptions not counted
	Excepts  int              `json:"exceptions"` // in force
	Allows   int              `json:"allow"`      // in force
	Expiring int              `json:"expiring"`   // of the entries, within a day
	Reasons  []Count          `json:"reasons"`    // strongest first, those that have entries
	Sources  []Count          `json:"sources"`    // "" is this list itself
	Index    Index            `json:"index"`
	DNS      any              `json:"dns,omitempty"`
}

// Index is how much the served view holds, entries that have just ended
// included.
type Index struct {
	Hosts      int   `json:"hosts"`
	Prefixes   int   `json:"prefixes"`
	Exceptions int   `json:"exceptions"`
	Bytes      int64 `json:"bytes"` // of memory, estimated
}

func (s *Server) stats(w http.ResponseWriter, r *http.Request, _ Caller) error {
	var st Stats
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
		return s.count(snap, &st)
	}); err != nil {
		return err
	}
	if set := s.cfg.Live.Set(); set != nil {
		has := set.Stats()
		st.Index = Index{Hosts: has.Hosts, Prefixes: has.Prefixes, Exceptions: has.Exceptions, Bytes: has.Bytes}
	}
	if s.cfg.Stats != nil {
		st.DNS = s.cfg.Stats()
	}
	return reply(w, http.StatusOK, st)
}

// count goes through what is served, which is the smallest part of an entry
// that says enough.
func (s *Server) count(snap listing.Snapshot, st *Stats) error {
	sources, err := listing.SourcesOf(snap)
	if err != nil {
		return err
	}
	now := s.cfg.Book.Now()
	soon := now.Add(listing.Day)
	var byReason [256]int
	bySource := map[string]*int{"": new(int)}
	for name := range sources {
		bySource[name] = new(int)
	}
	for e, err := range snap.Served() {
		if err != nil {
			return err
		}
		end := sources.End(e.Source, e.Until)
		switch {
		case !now.Before(end):
			continue
		case e.Except:
			st.Excepts++
			continue
		case end.Before(soon):
			st.Expiring++
		}
		st.Entries++
		byReason[e.Reason]++
		if n := bySource[e.Source]; n != nil {
			*n++
		}
	}
	st.Revision = snap.Revision()
	st.Reasons, st.Sources = countReasons(s.cfg.Book.Rules().Reasons, byReason), countSources(bySource)
	st.Allows, err = countAllows(snap, now)
	return err
}

func countReasons(reasons *listing.Reasons, by [256]int) []Count {
	counts := []Count{}
	for _, info := range reasons.All() {
		if n := by[info.Code]; n > 0 {
			counts = append(counts, Count{Name: info.Symbol, Entries: n, Published: info.Published})
			by[info.Code] = 0
		}
	}
	for code, n := range by {
		if n > 0 {
			counts = append(counts, Count{Name: reasons.Symbol(listing.Reason(code)), Entries: n})
		}
	}
	return counts
}

func countSources(by map[string]*int) []Count {
	counts := []Count{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		counts = append(counts, Count{Name: name, Entries: *by[name]})
	}
	return counts
}

func countAllows(snap listing.Snapshot, now time.Time) (n int, err error) {
	all, err := snap.Allows()
	for _, a := range all {
		if a.Active(now) {
			n++
		}
	}
	return n, err
}

// allows answers with the allow entries in force, those that overlap a prefix
// if one is given.
func (s *Server) allows(w http.ResponseWriter, r *http.Request, _ Caller) error {
	var around listing.Subject
	if r.URL.Query().Has("prefix") {
		var err error
		if around, err = subjectOf(r); err != nil {
			return err
		}
	}
	now, found := s.cfg.Book.Now(), []listing.Allow{}
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
		all, err := snap.Allows()
		for _, a := range all {
			if a.Active(now) && (!around.IsValid() || a.Subject.Overlaps(around.Prefix)) {
				found = append(found, a)
			}
		}
		return err
	}); err != nil {
		return err
	}
	return reply(w, http.StatusOK, found)
}

func (s *Server) reasons(w http.ResponseWriter, _ *http.Request, _ Caller) error {
	return reply(w, http.StatusOK, s.cfg.Book.Rules().Reasons.All())
}

// sources answers with the sources in force.
func (s *Server) sources(w http.ResponseWriter, r *http.Request, _ Caller) error {
	now, found := s.cfg.Book.Now(), []listing.Source{}
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
		all, err := snap.Sources()
		for _, source := range all {
			if source.Active(now) {
				found = append(found, source)
			}
		}
		return err
	}); err != nil {
		return err
	}
	return reply(w, http.StatusOK, found)
}
