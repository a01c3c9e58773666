package ctl

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"dnsbld/listing"
)

// backup sends the list as it stands at one revision, straight from the store:
// written to the disk first, it would keep those waiting who make something
// durable meanwhile. A reader may be slow, but not stop. One that gets less than
// all finds that the last line is missing.
func (s *Server) backup(w http.ResponseWriter, r *http.Request, _ Caller) error {
	if s.cfg.Backup == nil {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "no-backup", Message: "there is no backup to be had from here", Hint: "ask the daemon that has the list"}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	to := &taken{to: w, control: http.NewResponseController(w)}
	_, err := s.cfg.Backup(r.Context(), to)
	_ = to.control.SetWriteDeadline(time.Time{}) // not supported in-process
	if err != nil && to.begun {
		return fmt.Errorf("%w, or the backup failed: %w", errGone, err)
	}
	return err
}

// taken is a long answer that is taken without a pause.
type taken struct {
	to      io.Writer
	control *http.ResponseController
	begun   bool
}

func (t *taken) Write(b []byte) (int, error) {
	t.begun = true
	_ = t.control.SetWriteDeadline(time.Now().Add(stall)) // not supported in-process
	return t.to.Write(b)
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
