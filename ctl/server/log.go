package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sensor"
)

// The log has one line for each request that may change something: what, of what, by
// whom, what came of it, and the revision; a dry run is marked. So the log alone says
// who did what, also what was refused, which the audit does not have. Requests that
// only look are logged at debug level. Mail addresses and letters never are.

// logged is what such a line says beside the caller.
type logged struct {
	action, of string // of is empty where there is nothing that the log may name
	outcome    string
	revision   listing.Revision // 0: none was made
	dryRun     bool
	looked     bool // nothing may have changed

	log     *slog.Logger
	who     listing.Caller
	written bool
}

type loggedKey struct{}

// logging has a request carry what will be logged of it.
func (s *Server) logging(r *http.Request, route ctl.Route) (*http.Request, *logged) {
	l := &logged{log: s.cfg.Log, action: words(route.Name), outcome: "done", looked: route.Role <= listing.Reader || r.Method == http.MethodGet}
	return r.WithContext(context.WithValue(r.Context(), loggedKey{}, l)), l
}

// words are a name of Go as words: "drop source".
func words(name string) string {
	var b strings.Builder
	for n, r := range name {
		if unicode.IsUpper(r) && n > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// note takes what was asked and done into the line, and writes it before anybody is
// answered: who reads that it is done finds it in the log.
func note(ctx context.Context, asked, answered any, err error) {
	l, ok := ctx.Value(loggedKey{}).(*logged)
	if !ok {
		return
	}
	l.about(asked)
	switch out := answered.(type) {
	case interface{ Summary() ctl.Outcome }: // of the types that have an Outcome in them, too
		o := out.Summary()
		switch {
		case o.Repeated:
			l.outcome = "repeated"
		case o.Changed:
			l.outcome, l.revision = "changed", o.Revision
		default:
			l.outcome = "unchanged"
		}
	case ctl.TicketDone:
		l.revision = out.Revision
	case sensor.Observed:
		l.looked = len(out.Listed) == 0 // sessions come by the thousand
		l.outcome = fmt.Sprintf("%d listed", len(out.Listed))
	}
	l.write(ctx, err)
}

// about says what a request is about.
func (l *logged) about(asked any) {
	switch c := asked.(type) {
	case listing.Add:
		l.of, l.dryRun = subjects(c.Subject, c.More)+" as "+c.Reason, c.DryRun
	case listing.Expire:
		l.of, l.dryRun = subjects(c.Subject, c.More), c.DryRun
	case listing.Delist:
		l.of, l.dryRun = subjects(c.Subject, c.More), c.DryRun
	case listing.Permit:
		l.of, l.dryRun = subjects(c.Subject, c.More), c.DryRun
		l.action = strings.Replace(l.action, "permit", map[bool]string{false: "allow add", true: "allow remove"}[c.Remove], 1)
	case ctl.Propose:
		l.aboutProposal(c)
	case ctl.Import:
		l.of, l.dryRun = "source "+c.Source, c.DryRun
	case ctl.DropSource:
		l.of, l.dryRun = "source "+c.Name, c.DryRun
	case ctl.Undo:
		l.of, l.dryRun = fmt.Sprint("revision ", c.Revision), c.DryRun
	case ctl.Decide:
		l.of, l.dryRun = "proposal "+c.ID, c.DryRun
	case ctl.TicketStep:
		l.of, l.action = "ticket "+c.Name, "ticket "+string(c.Verb)
	case ctl.TicketCommand:
		l.of = c.Address
	case ctl.DeskRequest:
		l.of, l.dryRun = c.Address, c.DryRun
	}
}

// aboutProposal says which command is proposed, and of what.
func (l *logged) aboutProposal(c ctl.Propose) {
	switch {
	case c.Add != nil:
		l.action += " add"
		l.about(*c.Add)
	case c.Expire != nil:
		l.action += " expire"
		l.about(*c.Expire)
	case c.Delist != nil:
		l.action += " delist"
		l.about(*c.Delist)
	case c.Permit != nil:
		l.action += " permit"
		l.about(*c.Permit)
	}
}

// subjects are the subjects of a command: the first, and how many more.
func subjects(first listing.Subject, more []listing.Subject) string {
	if len(more) == 0 {
		return first.Text()
	}
	return fmt.Sprintf("%s and %d more", first.Text(), len(more))
}

// write writes the line, once.
func (l *logged) write(ctx context.Context, err error) {
	level := slog.LevelInfo
	switch {
	case l.written:
		return
	case l.looked:
		level = slog.LevelDebug
	}
	l.written = true
	line, message := []any{"action", l.action}, "command"
	if l.of != "" {
		line = append(line, "of", l.of)
	}
	if line = append(line, "by", l.who.Name); l.dryRun {
		line = append(line, "dry_run", true)
	}
	if err != nil {
		message, l.outcome = "command refused", "refused"
	}
	if line = append(line, "outcome", l.outcome); l.revision > 0 && !l.dryRun {
		line = append(line, "revision", l.revision) // of a refusal: up to where it was done
	}
	if err != nil {
		line = append(line, "err", err)
	}
	l.log.Log(ctx, level, message, line...)
}
