package ctl

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"dnsbld/listing"
)

// audit verifies the audit chain, all of it or from a checkpoint on.
func (s *Server) audit(w http.ResponseWriter, r *http.Request, _ Caller) error {
	if s.cfg.Verify == nil {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "no-audit", Message: "the chain cannot be verified from here", Hint: "ask the daemon that has the list"}
	}
	var from listing.Checkpoint
	if text := r.URL.Query().Get("from"); text != "" {
		if err := from.UnmarshalText([]byte(text)); err != nil {
			return err
		}
	}
	v, err := s.cfg.Verify(r.Context(), from)
	if err != nil {
		return &partial{err, v}
	}
	return reply(w, http.StatusOK, v)
}

// Audit verifies the audit chain, from the beginning if the checkpoint is zero.
// The error of a broken one comes with how far it holds.
func (c *Client) Audit(ctx context.Context, from listing.Checkpoint) (out listing.Verified, err error) {
	query := url.Values{}
	if from.Revision > 0 {
		query.Set("from", from.String())
	}
	resp, err := c.do(ctx, http.MethodGet, "/v1/audit", query, nil, &out)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, lost(err)
	}
	return out, nil
}
