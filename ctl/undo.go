package ctl

import (
	"context"
	"net/http"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// Undo asks to take back what a revision did.
type Undo struct {
	Revision listing.Revision `json:"revision"`
	Note     string           `json:"note,omitempty"`
	listing.Options
}

func (s *Server) undo(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c Undo
	if err := s.read(w, r, &c, nil, &c.Options); err != nil {
		return err
	}
	res, err := s.cfg.Book.Undo(r.Context(), who, c.Revision, c.Note, c.Options)
	if err != nil || !c.DryRun {
		return s.changed(w, c.Options, res, err)
	}
	out, err := s.outcome(res, true)
	if err == nil && len(out.Changes) > 0 && out.Changes[0].Source != "" { // an import: what it changed is not among the changes
		var reach *report.Reach
		if reach, err = s.reach(r.Context()); err == nil {
			out.Inside, out.Addresses, err = reach.Revision(r.Context(), c.Revision)
		}
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

// Undo takes back what a revision did.
func (c *Client) Undo(ctx context.Context, cmd Undo) (out Outcome, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/undo", nil, cmd, &out)
}
