package server

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/feed"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

// export answers with the entries in force, in a format of package feed; of a
// zone, if one is named, with those that it answers.
func (s *Server) export(w http.ResponseWriter, r *http.Request, q ctl.Export) error {
	if err := q.Check(); err != nil {
		return err
	}
	zone, err := s.zone(q.Zone)
	if err != nil {
		return err
	}
	if q.Format == feed.Zone && zone.Name != "" && s.cfg.ZoneFile != nil {
		return s.zoneFile(w, r, q.Query, zone.Name)
	}
	return s.spooled(w, "application/octet-stream", func(to io.Writer) error {
		return s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
			w.Header().Set(ctl.RevisionHeader, strconv.FormatUint(uint64(snap.Revision()), 10))
			return s.write(snap, to, q, zone)
		})
	})
}

// zoneFile answers with a zone as secondaries get it, of the entries that are
// asked for.
func (s *Server) zoneFile(w http.ResponseWriter, r *http.Request, q report.Query, zone string) error {
	set, err := s.loaded(r.Context())
	if err == nil && q != (report.Query{}) {
		set, err = s.narrowed(r.Context(), q)
	}
	if err != nil {
		return err
	}
	return s.spooled(w, "application/octet-stream", func(to io.Writer) error {
		w.Header().Set(ctl.RevisionHeader, strconv.FormatUint(uint64(set.Revision()), 10))
		return s.cfg.ZoneFile(to, zone, set)
	})
}

// narrowed is the list as it would be served if it had only the entries that are
// asked for.
func (s *Server) narrowed(ctx context.Context, q report.Query) (*index.Set, error) {
	rules, now, live := s.cfg.Book.Rules(), s.cfg.Book.Now(), index.NewLive()
	live.Protect(rules.Policy.NeverList())
	err := s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		set, err := index.FromSnapshot(fewer{snap, func(yield func(listing.Served, error) bool) {
			if err := report.List(snap, report.Rows{Reasons: rules.Reasons, Hits: s.hits()}, q, now, func(e listing.Entry) error {
				yield(e.Served(), nil)
				return nil
			}); err != nil {
				yield(listing.Served{}, err)
			}
		}})
		if err == nil {
			live.Publish(set)
		}
		return err
	})
	return live.Set(), err
}

// fewer is a snapshot of which some entries are served.
type fewer struct {
	listing.Snapshot
	served iter.Seq2[listing.Served, error]
}

// Served gives those entries.
func (f fewer) Served() iter.Seq2[listing.Served, error] { return f.served }

// zone finds a zone by name; without a name it is the first one, if any.
func (s *Server) zone(name string) (report.Zone, error) {
	zones := s.zones()
	n := slices.IndexFunc(zones, func(z report.Zone) bool {
		return name == "" || strings.EqualFold(strings.TrimSuffix(z.Name, "."), strings.TrimSuffix(name, "."))
	})
	switch {
	case n >= 0:
		return zones[n], nil
	case name == "":
		return report.Zone{}, nil
	}
	return report.Zone{}, invalid("unknown-zone", listing.Quote(name)+" is not a zone that is answered here", "`blctl status` names them")
}

// write writes what a snapshot has in a format.
func (s *Server) write(snap listing.Snapshot, to io.Writer, q ctl.Export, z report.Zone) error {
	rules, now := s.cfg.Book.Rules(), s.cfg.Book.Now()
	o := feed.WriteOptions{Format: q.Format, Reasons: rules.Reasons, Now: now, Answered: q.Answered, Page: z.Page,
		Zone: z.Name, NS: z.NS, Mail: z.Mail, Serial: z.Serial, TTL: z.TTL.Duration()}
	for _, never := range rules.Policy.NeverList() {
		o.Hide = append(o.Hide, never.Subject)
	}
	allows, err := listing.AllowsInForce(snap, now)
	if err != nil {
		return err
	}
	for _, a := range allows {
		o.Hide = append(o.Hide, a.Subject)
	}
	out, err := feed.NewWriter(to, o)
	if err != nil {
		return err
	}
	if err := report.List(snap, report.Rows{Reasons: rules.Reasons, Hits: s.hits()}, q.Query, now, func(e listing.Entry) error {
		if q.Zone != "" && !rules.Reasons.Describe(e.Reason).AnsweredBy(z.Reasons) {
			return nil
		}
		return out.Write(e)
	}); err != nil {
		return err
	}
	return out.Close()
}

// backup sends the list as it stands at one revision, straight from the store:
// written to the disk first, it would delay others that make something durable
// meanwhile. A reader may be slow, but not stop. One that gets less than all
// finds that the last line is missing.
func (s *Server) backup(w http.ResponseWriter, r *http.Request, _ ctl.None) error {
	if s.cfg.Backup == nil {
		return unavailable("no-backup", "there is no backup to be had from here", "ask the daemon that has the list")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	to := &steady{to: w, control: http.NewResponseController(w)}
	_, err := s.cfg.Backup(r.Context(), to)
	_ = to.control.SetWriteDeadline(time.Time{}) // a test's recorder has none
	if err != nil && to.begun {
		return fmt.Errorf("%w, or the backup failed: %w", errGone, err)
	}
	return err
}

// steady is a long answer whose reader may not pause for long.
type steady struct {
	to      io.Writer
	control *http.ResponseController
	begun   bool
}

// Write gives the reader another stall to take it.
func (s *steady) Write(b []byte) (int, error) {
	s.begun = true
	_ = s.control.SetWriteDeadline(time.Now().Add(stall)) // a test's recorder has none
	return s.to.Write(b)
}

// restore is for a dnsbld that blctl has started for it: one that serves a list
// cannot exchange it.
func (s *Server) restore(ctx context.Context, who listing.Caller, c ctl.Restore) (ctl.Restored, error) {
	if s.cfg.Restore == nil {
		return ctl.Restored{}, unavailable("no-restore", "a dnsbld that runs restores nothing", "stop it, then use `blctl restore`")
	}
	return s.cfg.Restore(ctx, who, c)
}

// rebuild is for such a dnsbld too.
func (s *Server) rebuild(ctx context.Context, who listing.Caller, c ctl.Rebuild) (ctl.Rebuilt, error) {
	if s.cfg.Rebuild == nil {
		return ctl.Rebuilt{}, unavailable("no-rebuild", "a dnsbld that runs makes no list anew", "stop it, then use `blctl rebuild`")
	}
	return s.cfg.Rebuild(ctx, who, c)
}

// compact gives back to the disk what the list does not need.
func (s *Server) compact(ctx context.Context, who listing.Caller, _ ctl.None) (ctl.Compacted, error) {
	if s.cfg.Compact == nil {
		return ctl.Compacted{}, unavailable("no-compact", "the list cannot be compacted from here", "ask the daemon that has it")
	}
	return s.cfg.Compact(ctx, who)
}
