package listing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Person is somebody who decides, by the account he uses.
type Person struct {
	Name string `json:"name"`
	UID  uint32 `json:"uid"`
}

// Proposal is a command that waits for a second person. It is kept as a
// document of kind ProposalKind.
type Proposal struct {
	ID        string          `json:"id"`
	Action    string          `json:"action"`  // add, delist, expire or allow
	Command   json.RawMessage `json:"command"` // as it will be carried out
	By        Person          `json:"by"`
	Time      time.Time       `json:"time"`
	Expires   time.Time       `json:"expires"`
	Note      string          `json:"note,omitempty"`
	State     ProposalState   `json:"state"`
	DecidedBy string          `json:"decided_by,omitempty"`
	Decided   time.Time       `json:"decided,omitzero"`

	revision Revision
}

// ProposalKind is the kind of document that a proposal is.
const ProposalKind = "proposal"

// ProposalLife is how long a proposal can be approved.
const ProposalLife = Life(7 * Day)

// ProposalState is where a proposal stands.
type ProposalState string

// States of a proposal.
const (
	ProposalOpen      ProposalState = "open"
	ProposalApproved  ProposalState = "approved"
	ProposalWithdrawn ProposalState = "withdrawn"
)

// Propose keeps a command until another person approves it. The command is
// checked as it would be then. It is one of Add, Delist, Expire and Permit; of
// its options the dry run and the idempotency key are those of the proposal. A
// dry run says what approving it now would do.
func (b *Book) Propose(ctx context.Context, by Person, command any, note string) (Proposal, Result, error) {
	now := b.Now()
	p := Proposal{By: by, Time: now.Truncate(time.Second),
		Expires: now.Add(ProposalLife.Duration()).Truncate(time.Second), Note: Printable(note), State: ProposalOpen}
	intent := IntentOf(command)
	kept, o, err := b.checkProposed(ctx, &p, command, now)
	if err != nil {
		return p, Result{}, err
	}
	p.ID = proposalID(o)
	if p.Command, err = json.Marshal(kept); err != nil {
		return p, Result{}, fmt.Errorf("keeping the proposal: %w", err)
	}
	edit, err := p.edit(0)
	if err != nil {
		return p, Result{}, err
	}
	o.MaxChanges = 0 // of the command
	res, err := b.apply(ctx, order{Header: Header{Time: now, Actor: by.Name, Note: p.Note}, Options: o, intent: intent}, []Edit{edit})
	switch {
	case err != nil:
	case res.Repeated:
		p, err = b.findProposal(ctx, p.ID)
	case o.DryRun:
		res, err = b.foresee(ctx, p, edit)
	}
	return p, res, err
}

// foresee is what approving a proposal would do. That it would be refused as
// things stand is no reason not to propose it.
func (b *Book) foresee(ctx context.Context, p Proposal, settle Edit) (Result, error) {
	p.DecidedBy = "?"
	res, err := b.carryOut(ctx, p, settle, Options{DryRun: true})
	if refused, ok := errors.AsType[*Error](err); ok {
		return Result{Warnings: []string{"approved now, it would be refused: " + refused.Message}}, nil
	}
	return res, err
}

// proposalID is short, for it is read out between persons. A repeated command
// finds its proposal again.
func proposalID(o Options) string {
	const letters = 8
	if o.IdempotencyKey == "" {
		return "p-" + strings.ToLower(rand.Text()[:letters])
	}
	sum := sha256.Sum256([]byte(o.IdempotencyKey))
	return "p-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:letters])
}

// checkProposed refuses what would be refused although a second person agreed.
// It returns the command as it is to be kept, and the options taken from it.
func (b *Book) checkProposed(ctx context.Context, p *Proposal, command any, now time.Time) (kept any, o Options, err error) {
	take := func(from *Options) {
		o = *from
		from.DryRun, from.IdempotencyKey = false, ""
	}
	switch c := command.(type) {
	case Add:
		p.Action = "add"
		if _, err = c.edit(b.Rules(), now, true); err == nil {
			err = b.checkAllowed(ctx, c, now)
		}
		take(&c.Options)
		return c, o, err
	case Delist:
		p.Action, err = "delist", c.check()
		if err == nil {
			_, err = b.matching(c.Subject, c.Reason, c.Within)
		}
		take(&c.Options)
		return c, o, err
	case Expire:
		p.Action = "expire"
		_, err = b.matching(c.Subject, c.Reason, c.Within)
		take(&c.Options)
		return c, o, err
	case Permit:
		p.Action = "allow"
		_, err = c.edit(now)
		take(&c.Options)
		return c, o, err
	}
	return nil, o, fmt.Errorf("proposing a %T: %w", command, ErrInvalid)
}

// edit writes the proposal over the revision it was read at.
func (p Proposal) edit(expect Revision) (Edit, error) {
	body, err := json.Marshal(p)
	return Edit{Op: OpDocument, Expect: &expect, Paper: &Document{Kind: ProposalKind, ID: p.ID, Body: body}}, err
}

// Proposals lists what is kept, oldest ID first; open ones only, or all.
func (b *Book) Proposals(ctx context.Context, all bool) ([]Proposal, error) {
	var found []Proposal
	now := b.Now()
	err := b.store.View(ctx, func(s Snapshot) error {
		for d, err := range s.Documents(ProposalKind) {
			if err != nil {
				return err
			}
			p, err := proposal(d)
			if err != nil {
				return err
			}
			if all || p.State == ProposalOpen && now.Before(p.Expires) {
				found = append(found, p)
			}
		}
		return nil
	})
	return found, err
}

func proposal(d Document) (Proposal, error) {
	var p Proposal
	if err := json.Unmarshal(d.Body, &p); err != nil {
		return p, fmt.Errorf("proposal %s: %w", d.ID, errors.Join(ErrCorrupt, err))
	}
	p.revision = d.Revision
	return p, nil
}

// Approve carries out what another person proposed. The proposal and what it
// changes are settled in one request. The options are those of the command:
// what is given takes the place of what was proposed.
func (b *Book) Approve(ctx context.Context, by Person, id string, o Options) (Proposal, Result, error) {
	p, repeated, err := b.toSettle(ctx, id, o)
	if err != nil {
		return p, Result{}, err
	}
	if err := p.mayApprove(by); err != nil {
		return p, Result{}, err
	}
	if !repeated {
		p.State, p.DecidedBy, p.Decided = ProposalApproved, by.Name, b.Now().Truncate(time.Second)
	}
	settle, err := p.edit(p.revision)
	if err != nil {
		return p, Result{}, err
	}
	p.DecidedBy = by.Name
	res, err := b.carryOut(ctx, p, settle, o)
	return p, res, err
}

// Withdraw ends a proposal without carrying it out. Anybody may. Of the options
// it knows the dry run and the idempotency key.
func (b *Book) Withdraw(ctx context.Context, by Person, id string, o Options) (Proposal, Result, error) {
	p, repeated, err := b.toSettle(ctx, id, o)
	if err != nil {
		return p, Result{}, err
	}
	if !repeated {
		p.State, p.DecidedBy, p.Decided = ProposalWithdrawn, by.Name, b.Now().Truncate(time.Second)
	}
	settle, err := p.edit(p.revision)
	if err != nil {
		return p, Result{}, err
	}
	res, err := b.apply(ctx, order{Header: Header{Time: b.Now(), Actor: by.Name}, Options: o, intent: IntentOf("withdraw " + id)}, []Edit{settle})
	return p, res, err
}

// toSettle finds a proposal that is open, or that a command with this key has
// settled before.
func (b *Book) toSettle(ctx context.Context, id string, o Options) (p Proposal, repeated bool, err error) {
	e, err := b.decided(ctx, o)
	if err != nil {
		return p, false, err
	}
	if len(e.parts) > 0 { // a part: the last one settles it
		p, err = b.findProposal(ctx, id)
		return p, p.State != ProposalOpen, err
	}
	p, err = b.openProposal(ctx, id)
	return p, false, err
}

func (b *Book) findProposal(ctx context.Context, id string) (p Proposal, err error) {
	err = b.store.View(ctx, func(s Snapshot) error {
		d, err := s.Document(ProposalKind, id)
		if errors.Is(err, ErrNotFound) {
			return &Error{Kind: ErrNotFound, Code: "no-proposal", Message: "there is no proposal " + Quote(id), Hint: "`blctl propose list` names them"}
		}
		if err == nil {
			p, err = proposal(d)
		}
		return err
	})
	return p, err
}

func (b *Book) openProposal(ctx context.Context, id string) (Proposal, error) {
	p, err := b.findProposal(ctx, id)
	switch {
	case err != nil:
		return p, err
	case p.State != ProposalOpen:
		return p, &Error{Kind: ErrConflict, Code: "settled", Message: fmt.Sprintf("proposal %s was %s by %s on %s", p.ID, p.State, p.DecidedBy, p.Decided.Format(time.RFC3339)),
			Hint: "propose it again if it is still wanted"}
	case !b.Now().Before(p.Expires):
		return p, &Error{Kind: ErrConflict, Code: "expired", Message: fmt.Sprintf("proposal %s expired on %s", p.ID, p.Expires.Format(time.RFC3339)),
			Hint: "propose it again if it is still wanted"}
	}
	return p, nil
}

// mayApprove refuses who is no second person. Several people may be root, but
// nobody can tell which.
func (p Proposal) mayApprove(by Person) error {
	switch {
	case by.UID == 0:
		return &Error{Kind: ErrPolicy, Code: "root-approves", Message: "root is never the second of two persons",
			Hint: "approve it from your own account"}
	case by.UID == p.By.UID || by.Name == p.By.Name:
		return &Error{Kind: ErrPolicy, Code: "same-person", Message: by.Name + " proposed it, so somebody else must approve it",
			Hint: "ask another operator to run `blctl approve " + p.ID + "`"}
	}
	return nil
}

// carryOut does what was proposed, in the name of both persons.
func (b *Book) carryOut(ctx context.Context, p Proposal, settle Edit, o Options) (Result, error) {
	do := approval{settle: []Edit{settle}, given: true}
	actor := p.By.Name + "+" + p.DecidedBy
	read := func(into any, its *Options) error {
		if err := json.Unmarshal(p.Command, into); err != nil {
			return fmt.Errorf("proposal %s: %w", p.ID, errors.Join(ErrCorrupt, err))
		}
		its.lay(o)
		return nil
	}
	switch p.Action {
	case "add":
		var c Add
		if err := read(&c, &c.Options); err != nil {
			return Result{}, err
		}
		return b.add(ctx, actor, c, do)
	case "delist":
		var c Delist
		if err := read(&c, &c.Options); err != nil {
			return Result{}, err
		}
		return b.delist(ctx, actor, c, do)
	case "expire":
		var c Expire
		if err := read(&c, &c.Options); err != nil {
			return Result{}, err
		}
		return b.expire(ctx, actor, c, do)
	case "allow":
		var c Permit
		if err := read(&c, &c.Options); err != nil {
			return Result{}, err
		}
		return b.permit(ctx, actor, c, do)
	}
	return Result{}, fmt.Errorf("proposal %s to %s: %w", p.ID, Quote(p.Action), ErrCorrupt)
}

// lay puts the options of an approval over those of what was proposed.
func (o *Options) lay(over Options) {
	o.DryRun, o.IdempotencyKey = over.DryRun, over.IdempotencyKey
	if over.IfRevision != nil {
		o.IfRevision = over.IfRevision
	}
	if over.MaxChanges != 0 {
		o.MaxChanges = over.MaxChanges
	}
}

// approval is what a second person adds to a command: leave, and the edits that
// settle the proposal.
type approval struct {
	given  bool
	settle []Edit
}
