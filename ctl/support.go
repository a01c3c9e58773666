package ctl

import (
	"context"
	"fmt"

	"dnsbld/listing"
	"dnsbld/listing/delist"
)

// byTheRules refuses support to end a listing that the desk decides is to
// stand: that takes an operator. What is verified by a person needs no other
// proof.
func (s *Server) byTheRules(ctx context.Context, who Caller, c listing.Delist) error {
	if s.cfg.Desk == nil || s.roles().of(who) >= Operator || !c.Subject.IsValid() || !c.Subject.IsHost() {
		return nil
	}
	d, err := s.cfg.Desk.AsSupport(ctx, c.Subject.Addr())
	switch {
	case err != nil:
		return err
	case d.Code.OK(), d.Code == delist.NotListed, d.Code == delist.ExpiresSoon:
		return nil
	case d.Code == delist.NoProof && c.Because == listing.FixedVerified:
		return nil
	}
	return &listing.Error{Kind: listing.ErrPolicy, Code: "by-the-rules",
		Message: fmt.Sprintf("support ends listings by the rules, and the decision is %s: %s", d.Code, d.Sentence),
		Hint:    d.ChangesWhen + " Against the decision an operator can end it, or another person on appeal"}
}
