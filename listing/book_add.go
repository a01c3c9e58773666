package listing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Add lists a subject, extends its listing, or makes an exception of it.
func (b *Book) Add(ctx context.Context, who Caller, c Add) (Result, error) {
	return b.run(ctx, who, c, nil)
}

// check refuses what plan does: an entry that is not there is no hindrance.
func (c Add) check(p *planning) error {
	_, err := c.plan(p)
	return err
}

func (c Add) plan(p *planning) ([]Edit, error) {
	e, err := c.edit(p)
	if err != nil || c.Except {
		return []Edit{e}, err
	}
	allows, err := p.Allows()
	if err == nil {
		err = allowed(c.Subject, allows, p.now)
	}
	if err == nil {
		err = p.warnOfShorter(e)
	}
	return []Edit{e}, err
}

// warnOfShorter says when a life that was given does not reach as far as the
// listing that stands: Add never shortens one.
func (p *planning) warnOfShorter(e Edit) error {
	if e.Keep {
		return nil
	}
	stands, err := p.Get(e.Key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case stands.Active(p.now) && !stands.Except && e.end(stands.Level, p.now).Before(stands.Until.Add(-e.Life.Slack.Duration())):
		p.warn(fmt.Sprintf("it is listed until %s already, which is later; to expire it ends it sooner",
			stands.Until.Format(time.RFC3339)))
	}
	return nil
}

// edit is the command as an edit, with everything from the rules that deciding
// it needs.
func (c Add) edit(p *planning) (Edit, error) {
	if !c.Subject.IsValid() {
		return Edit{}, &Error{Kind: ErrInvalid, Code: "not-an-address", Message: "no prefix was given"}
	}
	info, err := p.rules.Reasons.Find(c.Reason)
	if err != nil {
		return Edit{}, err
	}
	if info.TwoPersons && !c.Except && !p.second {
		return Edit{}, twoPersons(info)
	}
	if !c.Except {
		if err := p.rules.Policy.checkHand(c.Subject, c.Force, c.Note, p.second); err != nil {
			return Edit{}, err
		}
	}
	if err := checkPublicNote(c.PublicNote); err != nil {
		return Edit{}, err
	}
	e := Edit{Op: OpList, Key: Key{Subject: c.Subject, Reason: info.Code}, Expect: c.IfRevision, Except: c.Except,
		Origin: ByOperator, PublicNote: info.complete(c.PublicNote), Note: Text(c.Note), Ticket: Text(c.Ticket)}
	if info.Repeat > 1 {
		e.Companion = Repeat
	}
	if err := c.evidence(&e, info, p); err != nil {
		return Edit{}, err
	}
	return e, c.setEnd(&e, info, p.rules.Policy, p.now)
}

// evidence adds what the operator saw. A letter that upholds a listing for a greeting
// has to name all of it; without that support takes it back as an error.
func (c Add) evidence(e *Edit, info ReasonInfo, p *planning) error {
	if c.Sessions < 0 || c.Seen.After(p.now) {
		return &Error{Kind: ErrInvalid, Code: "bad-evidence", Message: "evidence is of the past, and of at least one session",
			Hint: "give the time of the last session seen, and how many there were"}
	}
	if c.HELO != "" || c.Receiver != "" || !c.Seen.IsZero() {
		seen := c.Seen
		if seen.IsZero() {
			seen = p.now
		}
		sample := Sample{Time: seen.UTC().Truncate(time.Second), Receiver: Printable(c.Receiver), HELO: Printable(c.HELO), Verdict: info.Symbol}
		if known, err := c.known(p, e.Key, sample); err != nil {
			return err
		} else if !known {
			e.Evidence = newEvidence(sample)
			e.Evidence.Sessions = c.Sessions
		}
	}
	if lacks := c.missing(info.Needs); !c.Except && info.Basis == BasisHELO && len(lacks) > 0 {
		p.warn("the desk cannot stand by it without " + enumerate(lacks) +
			": unless sessions are counted too, its decision is OK_SUPPORT, and it ends as our error")
	}
	return nil
}

// enumerate writes "a", "a and b", "a, b and c".
func enumerate(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// known reports whether the entry that stands is kept with the sample already, so that
// the same command again changes nothing. A sample whose time was not given is known
// whenever it was seen.
func (c Add) known(p *planning, key Key, sample Sample) (bool, error) {
	stands, err := p.Get(key)
	if err == nil && stands.Evidence == (Digest{}) {
		return false, nil
	}
	var kept Evidence
	if err == nil {
		kept, err = p.Evidence(stands.Evidence)
	}
	if errors.Is(err, ErrNotFound) { // or erased
		return false, nil
	}
	return err == nil && kept.Sessions == c.Sessions && slices.ContainsFunc(kept.Samples, func(k Sample) bool {
		return k.HELO == sample.HELO && k.Receiver == sample.Receiver && (c.Seen.IsZero() || k.Time.Equal(sample.Time))
	}), err
}

// missing is what the evidence lacks of what a letter has to name.
func (c Add) missing(n Needs) (all []string) {
	if n.Greeting && c.HELO == "" {
		all = append(all, "the greeting")
	}
	if n.Receiver && c.Receiver == "" {
		all = append(all, "the server that saw it")
	}
	if n.Sessions && c.Sessions == 0 {
		all = append(all, "the number of sessions")
	}
	return all
}

// checkPublicNote refuses what would not stand in TXT, and in the reply of a mail
// server that repeats it, as it was written.
func checkPublicNote(text string) error {
	e := &Error{Kind: ErrInvalid, Code: "public-note"}
	switch {
	case Printable(text) != text:
		e.Message = "a public note stands in DNS and in the replies of mail servers, which take printable ASCII alone"
		e.Hint = "write it in English, or in letters without accents; --note takes any script"
	case len(text) > MaxTXT:
		e.Message = fmt.Sprintf("the public note has %d octets, and no more than %d fit into a reply", len(text), MaxTXT)
		e.Hint = "say it shorter; what is for operators goes into --note"
	default:
		return nil
	}
	return e
}

func twoPersons(info ReasonInfo) error {
	return &Error{Kind: ErrPolicy, Code: "two-persons",
		Message: "an entry for " + info.Symbol + " takes two persons"}
}

// setEnd writes the end of the entry: given, or by the life of its reason.
func (c Add) setEnd(e *Edit, info ReasonInfo, policy Policy, now time.Time) error {
	longest := min(info.Longest, policy.Longest)
	e.Life = Lifetime{Base: info.Base, Longest: longest, Repeat: info.Repeat}
	switch {
	case c.For != 0 && !c.Until.IsZero():
		return &Error{Kind: ErrInvalid, Code: "two-ends", Message: "both a life and an end were given", Hint: "give --for or --until, not both"}
	case c.For != 0:
		e.Life = Lifetime{Base: c.For, Longest: longest, Repeat: 1, Slack: c.For / 100}
		return policy.checkEnd(info, now.Add(c.For.Duration()), now)
	case !c.Until.IsZero():
		e.Until = c.Until
		return policy.checkEnd(info, c.Until, now)
	case c.Except:
		e.Life, e.Keep = policy.exception(), true
		return nil
	case info.Base == 0:
		e.Life.Base = longest
	}
	e.Keep = true
	return nil
}

// exception is the life of an exception that nobody gave a life.
func (p Policy) exception() Lifetime {
	return Lifetime{Base: p.Exception, Longest: p.Longest, Repeat: 1}
}

// newEvidence salts samples. The salt is random, so evidence is made by the
// writer, never while deciding.
func newEvidence(samples ...Sample) *Evidence {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails (crypto/rand)
	return &Evidence{Salt: salt, Samples: samples}
}

// allowed refuses to list what an operator has said is never listed.
func allowed(s Subject, allows []Allow, now time.Time) error {
	over := AllowsOver(allows, s, now)
	if len(over) == 0 {
		return nil
	}
	a := over[0]
	return &Error{Kind: ErrPolicy, Code: "allowed", Names: prefix(a.Subject),
		Message: fmt.Sprintf("%s is never listed: %s asked %s to allow %s", s.Text(), a.Owner, a.Actor, a.Subject.Text())}
}

// Permit adds an allow entry or takes one back.
func (b *Book) Permit(ctx context.Context, who Caller, c Permit) (Result, error) {
	return b.run(ctx, who, c, nil)
}

func (c Permit) check(p *planning) error {
	_, err := c.plan(p)
	return err
}

func (c Permit) plan(p *planning) ([]Edit, error) {
	switch {
	case !c.Subject.IsValid():
		return nil, &Error{Kind: ErrInvalid, Code: "not-an-address", Message: "no prefix was given", Hint: "for example 192.0.2.0/24"}
	case c.Remove:
		return []Edit{{Op: OpDisallow, Subject: c.Subject, Expect: c.IfRevision}}, nil
	case strings.TrimSpace(c.Owner) == "":
		return nil, &Error{Kind: ErrInvalid, Code: "no-owner",
			Message: "an allow entry needs an owner: somebody who can be asked why it is there",
			Hint:    "repeat with --owner, for example --owner postmaster@example.test"}
	case !c.Until.IsZero() && !c.Until.After(p.now):
		return nil, &Error{Kind: ErrInvalid, Code: "past", Message: c.Until.Format(time.RFC3339) + " is in the past",
			Hint: "give an end in the future, or none"}
	}
	if err := p.rules.Policy.checkAllow(c.Subject, c.Force, c.Note, p.second); err != nil {
		return nil, err
	}
	return []Edit{{Op: OpAllow, Expect: c.IfRevision, Allow: &Allow{Subject: c.Subject, Owner: Text(c.Owner),
		Until: c.Until.Truncate(time.Second), Note: Text(c.Note)}}}, nil
}
