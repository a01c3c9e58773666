package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"dnsbld/listing/helo"
	"dnsbld/mta"
)

// explained is a session as --explain prints it, one a line.
type explained struct {
	Time       time.Time     `json:"time"`
	Receiver   string        `json:"receiver,omitempty"`
	Client     string        `json:"client"`
	HELO       *string       `json:"helo"` // null: the log does not have it
	Verb       helo.Verb     `json:"verb"`
	Service    string        `json:"service"`
	Auth       *bool         `json:"auth"`       // null: the log does not show it
	Submission *bool         `json:"submission"` // null: the log does not show it
	Code       helo.Code     `json:"code"`
	Strength   helo.Strength `json:"strength"`
	Sentence   string        `json:"sentence,omitempty"`
	Counted    bool          `json:"counted"` // for what it is; what the verdict is worth is another matter
	WhyNot     string        `json:"why_not"`
	Lines      []string      `json:"lines"`
}

// explanation is the summary after them.
type explanation struct {
	Sessions      int            `json:"sessions"`
	Authenticated int            `json:"authenticated"`
	Submission    int            `json:"submission"`
	NoHELO        int            `json:"no_helo"`
	Bogus         int            `json:"bogus"`
	Unproven      int            `json:"unproven"` // the log does not show whether the client had authenticated
	Services      map[string]int `json:"services"`
	Missing       []string       `json:"missing"` // what was not known here
	NotUnderstood []mta.Shape    `json:"not_understood"`
	// Probation are the mail servers, of those that the log can be of, whose sessions
	// list nobody yet.
	Probation []string `json:"probation,omitempty"`
}

// explain reads a log, counts nothing, and says of every session what was read
// from which line, what the verdict is and why.
func (p *program) explain(ctx context.Context, l *logInput, options mta.LogOptions) error {
	sum := explanation{Services: map[string]int{}}
	our, services, known := p.ourSide(ctx)
	addServices(options.Services, services)
	log, err := mta.NewLog(l.in.String("format"), options)
	if err != nil {
		return err
	}
	if !known {
		sum.Missing = append(sum.Missing, "our addresses, names and domains: dnsbld cannot be reached")
	}
	sum.Missing = append(sum.Missing, "what DNS says: it was not asked")
	err = l.files(ctx, log, func(r mta.Report) error {
		e := explainSession(r, log.Trace(), &our)
		sum.add(&e)
		return p.printExplained(&e)
	})
	if err == nil {
		err = l.unreadable()
	}
	if err != nil && sum.Sessions+sum.NoHELO == 0 {
		return err
	}
	sum.NotUnderstood, sum.Probation = list(l.shapes), p.onProbation(ctx, options.Receiver)
	p.human.printf("\n%s: %d authenticated, %d for submission, %d of which the log does not show either; %d bogus; %d without HELO in the log\n",
		plural(sum.Sessions, "session", "sessions"), sum.Authenticated, sum.Submission, sum.Unproven, sum.Bogus, sum.NoHELO)
	for _, service := range slices.Sorted(maps.Keys(sum.Services)) {
		p.human.printf("  service %s: %d\n", clean(service), sum.Services[service])
	}
	for _, what := range sum.Missing {
		p.human.printf("  not known here: %s\n", what)
	}
	for _, receiver := range sum.Probation {
		p.human.printf("  %s is on probation: its sessions list nobody yet; see blctl receiver list\n", clean(receiver))
	}
	p.printShapes(sum.NotUnderstood)
	return p.conclude("observe", sum, err)
}

// onProbation are the mail servers on probation, or the one of a name if it is. Without the daemon none is known.
func (p *program) onProbation(ctx context.Context, name string) (names []string) {
	all, err := p.client.Receivers(ctx)
	if err != nil {
		return nil
	}
	for _, r := range all {
		if !r.Probation.IsZero() && (name == "" || name == r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// ourSide is what the daemon's configuration says of the receiving side. Status
// sends it as JSON, so that package ctl need not know the types of package mta.
func (p *program) ourSide(ctx context.Context) (our mta.Our, services map[string]string, known bool) {
	st, err := p.client.Status(ctx)
	if err != nil || st.Sensor == nil || st.Sensor.Our == nil {
		return our, nil, false
	}
	raw, err := json.Marshal(st.Sensor.Our)
	return our, st.Sensor.Services, err == nil && json.Unmarshal(raw, &our) == nil
}

// explainSession judges one session as the daemon would, DNS apart, and says why it
// would not count, if it would not.
func explainSession(r mta.Report, t *mta.Trace, our *mta.Our) explained {
	if t == nil { // NDJSON says it all by itself
		t = &mta.Trace{Auth: &r.Auth, Submission: &r.Submission}
	}
	our.Fill(&r.Session)
	v := helo.Classify(r.Session)
	e := explained{Time: r.Time, Receiver: r.Receiver, Client: r.Client.String(), Verb: r.Verb, Service: t.Service, Auth: t.Auth,
		Submission: t.Submission, Code: v.Code, Strength: v.Strength, Sentence: v.Sentence, Lines: list(t.Lines)}
	if said := helo.Escape(r.HELO, 255); !t.NoHELO && r.Verb != helo.VerbNone {
		e.HELO = &said
	}
	switch {
	case t.NoHELO:
		e.Code, e.Sentence, e.Strength, e.WhyNot = "", "", helo.Exempt, "the log does not have its HELO"
	case v.Strength == helo.Exempt:
		e.WhyNot = v.Sentence
	case r.Unproven && t.Unread:
		e.WhyNot = "a line of it was not read to its end: it counts as a session, and accuses nobody"
	case r.Unproven && t.Auth == nil:
		e.WhyNot = "the log does not show that the client had not authenticated: it counts as a session, and accuses nobody"
	case r.Unproven:
		e.WhyNot = "it is not known whether the service is for submission: say so with --service; it counts as a session, and accuses nobody"
	default:
		e.Counted = true
	}
	return e
}

// add adds a session to the summary. One without HELO is no session: nothing can be
// said of it.
func (s *explanation) add(e *explained) {
	if e.Code == "" {
		s.NoHELO++
		return
	}
	s.Sessions++
	if e.Service != "" {
		s.Services[e.Service]++
	}
	if e.Auth != nil && *e.Auth {
		s.Authenticated++
	} else if e.Submission != nil && *e.Submission {
		s.Submission++
	} else if !e.Counted && e.Strength != helo.Exempt {
		s.Unproven++
	}
	if e.Strength >= helo.Medium {
		s.Bogus++
	}
}

// printExplained prints a session with the lines that it was read from.
func (p *program) printExplained(e *explained) error {
	if p.json {
		return encode(p.stdout, e)
	}
	said := "no HELO in the log"
	if e.HELO != nil {
		said = string(e.Verb) + " " + *e.HELO
	}
	p.human.printf("%s  %s  %s %s\n", clean(e.Client), clean(said), p.human.paint(bold, string(e.Code)), e.Strength)
	if e.WhyNot != "" {
		p.human.printf("    not counted: %s\n", clean(e.WhyNot))
	} else {
		p.human.printf("    %s\n", clean(e.Sentence))
	}
	for _, line := range e.Lines {
		p.human.printf("    | %s\n", clean(line))
	}
	return nil
}
