package listing

import (
	"cmp"
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

// Person is who proposed a command.
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

// propose keeps a command until another person approves it. The command is
// checked as it would be then. Of its options the dry run and the idempotency
// key are those of the proposal. A dry run says what approving it now would do.
func (b *Book) propose(ctx context.Context, who Caller, c command) (Result, error) {
	o := c.options()
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	kept := o
	kept.DryRun, kept.IdempotencyKey, kept.Propose, kept.ProposalNote = false, "", false, ""
	p := Proposal{ID: proposalID(o), Action: c.action(), By: Person{who.Name, who.UID}, Note: Text(o.ProposalNote), State: ProposalOpen}
	var err error
	if p.Command, err = json.Marshal(c.with(kept)); err != nil {
		return Result{}, fmt.Errorf("keeping the proposal: %w", err)
	}
	own := o
	own.MaxChanges = 0 // of the command
	by := order{Header: Header{Actor: who.Name, Note: p.Note}, Options: own, intent: IntentOf(c)}
	res, err := b.plan(ctx, who, by, func(look *planning) ([]Edit, error) {
		look.second = true
		p.Time, p.Expires = look.now.Truncate(time.Second), look.now.Add(ProposalLife.Duration()).Truncate(time.Second)
		if err := look.checkAll(c); err != nil {
			return nil, err
		}
		edit, err := p.edit(0)
		return []Edit{edit}, err
	})
	switch {
	case err != nil:
		return Result{}, err
	case res.Repeated:
		p, err = b.findProposal(ctx, p.ID)
	case o.DryRun:
		res, err = b.foresee(ctx, who, p)
	}
	res.Proposal = &p
	return res, err
}

// foresee is what approving a proposal would do. That it would be refused as
// things stand is no reason not to propose it.
func (b *Book) foresee(ctx context.Context, who Caller, p Proposal) (Result, error) {
	res, err := b.carryOut(ctx, who, "?", p, Options{DryRun: true}, func(*planning) (Edit, error) { return p.edit(0) })
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

// edit writes the proposal over the revision it was read at.
func (p Proposal) edit(expect Revision) (Edit, error) {
	body, err := json.Marshal(p)
	return Edit{Op: OpDocument, Expect: &expect, Document: &Document{Kind: ProposalKind, ID: p.ID, Body: body}}, err
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
func (b *Book) Approve(ctx context.Context, who Caller, id string, o Options) (Result, error) {
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	p, err := b.findProposal(ctx, id)
	if err == nil && o.IdempotencyKey != "" {
		err = p.mayApprove(who) // of a command that was decided earlier nobody asks again
	}
	if err != nil {
		return Result{}, err
	}
	res, err := b.carryOut(ctx, who, who.Name, p, o, func(look *planning) (edit Edit, err error) {
		p, edit, err = look.settle(id, ProposalApproved)
		return edit, err
	})
	res.Proposal = &p
	return res, err
}

// Withdraw ends a proposal without carrying it out. Any operator may. Of the
// options it knows the dry run and the idempotency key.
func (b *Book) Withdraw(ctx context.Context, who Caller, id string, o Options) (Result, error) {
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	p, err := b.findProposal(ctx, id)
	if err != nil {
		return Result{}, err
	}
	by := order{Header: Header{Actor: who.Name}, Options: o, intent: IntentOf("withdraw " + id)}
	res, err := b.plan(ctx, who, by, func(look *planning) ([]Edit, error) {
		settled, edit, err := look.settle(id, ProposalWithdrawn)
		p = settled
		return []Edit{edit}, err
	})
	res.Proposal = &p
	return res, err
}

// settle decides on a proposal that is open. An approval of which a part was
// decided earlier may go on after the proposal's time.
func (p *planning) settle(id string, to ProposalState) (Proposal, Edit, error) {
	is, err := proposalAt(p, id)
	if err == nil {
		err = is.open(p.now, p.begun)
	}
	if err == nil && to == ProposalApproved {
		err = is.mayApprove(p.who)
	}
	if err != nil {
		return is, Edit{}, err
	}
	is.State, is.DecidedBy, is.Decided = to, p.who.Name, p.now.Truncate(time.Second)
	edit, err := is.edit(is.revision)
	return is, edit, err
}

// carryOut does what was proposed, in the name of both persons.
func (b *Book) carryOut(ctx context.Context, who Caller, second string, p Proposal, o Options, settle func(*planning) (Edit, error)) (Result, error) {
	c, err := p.command(o)
	if err != nil {
		return Result{}, err
	}
	return b.plan(ctx, who, orderOf(c, p.By.Name+"+"+second), func(look *planning) ([]Edit, error) {
		look.second = true
		last, err := settle(look)
		if err != nil {
			return nil, err
		}
		edits, err := look.planAll(c)
		return append(edits, last), err
	})
}

// command is what was proposed, with the options of an approval laid over its
// own.
func (p Proposal) command(over Options) (c command, err error) {
	switch p.Action {
	case "add":
		c, err = readCommand[Add](p.Command)
	case "delist":
		c, err = readCommand[Delist](p.Command)
	case "expire":
		c, err = readCommand[Expire](p.Command)
	case "allow":
		c, err = readCommand[Permit](p.Command)
	default:
		err = fmt.Errorf("to %s", Quote(p.Action))
	}
	if err != nil {
		return nil, fmt.Errorf("proposal %s: %w", p.ID, errors.Join(ErrCorrupt, err))
	}
	o := c.options()
	o.DryRun, o.IdempotencyKey = over.DryRun, over.IdempotencyKey
	o.IfRevision, o.MaxChanges = cmp.Or(over.IfRevision, o.IfRevision), cmp.Or(over.MaxChanges, o.MaxChanges)
	return c.with(o), nil
}

func readCommand[C command](raw []byte) (command, error) {
	var c C
	err := json.Unmarshal(raw, &c)
	return c, err
}

func (b *Book) findProposal(ctx context.Context, id string) (p Proposal, err error) {
	err = b.store.View(ctx, func(s Snapshot) error {
		p, err = proposalAt(s, id)
		return err
	})
	return p, err
}

func proposalAt(s Snapshot, id string) (Proposal, error) {
	d, err := s.Document(ProposalKind, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Proposal{}, &Error{Kind: ErrNotFound, Code: "no-proposal", Message: "there is no proposal " + Quote(id)}
	case err != nil:
		return Proposal{}, err
	}
	return proposal(d)
}

// open refuses a proposal that is settled, or that has expired.
func (p Proposal) open(now time.Time, begun bool) error {
	e := &Error{Kind: ErrConflict, Hint: "propose it again if it is still wanted"}
	switch {
	case p.State != ProposalOpen:
		e.Code, e.Message = "settled", fmt.Sprintf("proposal %s was %s by %s on %s", p.ID, p.State, p.DecidedBy, p.Decided.Format(time.RFC3339))
	case !begun && !now.Before(p.Expires):
		e.Code, e.Message = "expired", fmt.Sprintf("proposal %s expired on %s", p.ID, p.Expires.Format(time.RFC3339))
	default:
		return nil
	}
	return e
}

// mayApprove refuses who is no second person. Several people may be root, but
// nobody can tell which.
func (p Proposal) mayApprove(who Caller) error {
	switch {
	case who.UID == 0:
		return &Error{Kind: ErrPolicy, Code: "root-approves", Message: "root is never the second of two persons",
			Hint: "approve it from your own account"}
	case who.UID == p.By.UID || who.Name == p.By.Name:
		return &Error{Kind: ErrPolicy, Code: "same-person", Message: who.Name + " proposed it, so somebody else must approve it",
			Names: map[string]string{"ID": p.ID}}
	}
	return nil
}
