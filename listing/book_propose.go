package listing

import (
	"context"
	"crypto/rand"
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
// checked as it would be then. It is one of Add, Delist, Expire and Permit.
func (b *Book) Propose(ctx context.Context, by Person, command any, note string) (Proposal, Result, error) {
	now := b.Now()
	p := Proposal{ID: "p-" + strings.ToLower(rand.Text()[:8]), By: by, Time: now.Truncate(time.Second),
		Expires: now.Add(ProposalLife.Duration()).Truncate(time.Second), Note: Printable(note), State: ProposalOpen}
	var err error
	if p.Action, err = b.checkProposed(command, now); err != nil {
		return p, Result{}, err
	}
	if p.Command, err = json.Marshal(command); err != nil {
		return p, Result{}, fmt.Errorf("keeping the proposal: %w", err)
	}
	edit, err := p.edit(0)
	if err != nil {
		return p, Result{}, err
	}
	res, err := b.apply(ctx, order{Header: Header{Time: now, Actor: by.Name, Note: p.Note}}, []Edit{edit})
	return p, res, err
}

func (b *Book) checkProposed(command any, now time.Time) (action string, err error) {
	switch c := command.(type) {
	case Add:
		_, err = c.edit(b.Rules(), now, true)
		return "add", err
	case Delist:
		return "delist", c.check()
	case Expire:
		return "expire", nil
	case Permit:
		_, err = c.edit(now)
		return "allow", err
	}
	return "", fmt.Errorf("proposing a %T: %w", command, ErrInvalid)
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
// changes are settled in one request.
func (b *Book) Approve(ctx context.Context, by Person, id string) (Proposal, Result, error) {
	p, err := b.openProposal(ctx, id)
	if err != nil {
		return p, Result{}, err
	}
	if err := p.mayApprove(by); err != nil {
		return p, Result{}, err
	}
	p.State, p.DecidedBy, p.Decided = ProposalApproved, by.Name, b.Now().Truncate(time.Second)
	settle, err := p.edit(p.revision)
	if err != nil {
		return p, Result{}, err
	}
	res, err := b.carryOut(ctx, p, settle)
	return p, res, err
}

// Withdraw ends a proposal without carrying it out. Anybody may.
func (b *Book) Withdraw(ctx context.Context, by Person, id string) (Proposal, Result, error) {
	p, err := b.openProposal(ctx, id)
	if err != nil {
		return p, Result{}, err
	}
	p.State, p.DecidedBy, p.Decided = ProposalWithdrawn, by.Name, b.Now().Truncate(time.Second)
	settle, err := p.edit(p.revision)
	if err != nil {
		return p, Result{}, err
	}
	res, err := b.apply(ctx, order{Header: Header{Time: b.Now(), Actor: by.Name}}, []Edit{settle})
	return p, res, err
}

func (b *Book) openProposal(ctx context.Context, id string) (Proposal, error) {
	var p Proposal
	err := b.store.View(ctx, func(s Snapshot) error {
		d, err := s.Document(ProposalKind, id)
		if errors.Is(err, ErrNotFound) {
			return &Error{Kind: ErrNotFound, Code: "no-proposal", Message: "there is no proposal " + Quote(id), Hint: "`blctl propose list` names them"}
		}
		if err == nil {
			p, err = proposal(d)
		}
		return err
	})
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
func (b *Book) carryOut(ctx context.Context, p Proposal, settle Edit) (Result, error) {
	do := approval{settle: []Edit{settle}, given: true}
	actor := p.By.Name + "+" + p.DecidedBy
	decode := func(into any) error {
		if err := json.Unmarshal(p.Command, into); err != nil {
			return fmt.Errorf("proposal %s: %w", p.ID, errors.Join(ErrCorrupt, err))
		}
		return nil
	}
	switch p.Action {
	case "add":
		var c Add
		if err := decode(&c); err != nil {
			return Result{}, err
		}
		return b.add(ctx, actor, c, do)
	case "delist":
		var c Delist
		if err := decode(&c); err != nil {
			return Result{}, err
		}
		return b.delist(ctx, actor, c, do)
	case "expire":
		var c Expire
		if err := decode(&c); err != nil {
			return Result{}, err
		}
		return b.expire(ctx, actor, c, do)
	case "allow":
		var c Permit
		if err := decode(&c); err != nil {
			return Result{}, err
		}
		return b.permit(ctx, actor, c, do)
	}
	return Result{}, fmt.Errorf("proposal %s to %s: %w", p.ID, Quote(p.Action), ErrCorrupt)
}

// approval is what a second person adds to a command: leave, and the edits that
// settle the proposal.
type approval struct {
	given  bool
	settle []Edit
}
