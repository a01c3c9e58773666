package ctl

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"dnsbld/listing"
)

// backup sends the list as it stands at one revision.
func (s *Server) backup(w http.ResponseWriter, r *http.Request, _ Caller) error {
	if s.cfg.Backup == nil {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "no-backup", Message: "there is no backup to be had from here", Hint: "ask the daemon that has the list"}
	}
	return s.spooled(w, "application/octet-stream", func(to io.Writer) error {
		_, err := s.cfg.Backup(r.Context(), to)
		return err
	})
}

// Backup writes a backup of the list to w. It has a line at its end by which it
// is to be checked.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodGet, "/v1/backup", nil, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("receiving the backup: %w", cutOff(err))
	}
	return nil
}
