package server

import (
	"context"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// receivers are the mail servers that have reported.
func (s *Server) receivers(context.Context, listing.Caller) ([]sighting.Receiver, error) {
	if s.cfg.Sensor == nil {
		return nil, noSensor()
	}
	return s.cfg.Sensor.Receivers(), nil
}

// accept ends the probation of one. What it told lately is listed when this
// returns.
func (s *Server) accept(ctx context.Context, who listing.Caller, c ctl.AcceptReceiver) (ctl.Accepted, error) {
	if s.cfg.Sensor == nil {
		return ctl.Accepted{}, noSensor()
	}
	changed, err := s.cfg.Sensor.Accept(ctx, who.Name, c.Name)
	return ctl.Accepted{Receiver: c.Name, Changed: changed}, err
}
