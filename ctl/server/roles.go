package server

import (
	"context"
	"net"
	"os/user"
	"slices"
	"strconv"
	"time"

	"dnsbld/connlimit"
	"dnsbld/listing"
)

// CheckRoles finds groups that this host does not know.
func CheckRoles(r listing.Roles) error {
	var wrong listing.Mistakes
	for _, list := range []struct {
		name   string
		groups []string
	}{{"operator", r.Operator}, {"support", r.Support}, {"reader", r.Reader}} {
		for _, g := range list.groups {
			_, err := gid(g)
			wrong.Unless(err == nil, "roles.%s: there is no group %s on this host", list.name, listing.Quote(g))
		}
	}
	wrong.Unless(len(r.Operator) > 0 || r.Open(), "roles.operator: with support or reader there must be operators")
	return wrong.Err()
}

// gid is the number of a group, given by name or number.
func gid(group string) (uint32, error) {
	if g, err := user.LookupGroup(group); err == nil {
		group = g.Gid
	}
	n, err := strconv.ParseUint(group, 10, 32)
	return uint32(n), err
}

// roleOf is the role of a caller by the groups he is in.
func roleOf(r listing.Roles, who listing.Caller) listing.Role {
	switch {
	case r.Open() || who.UID == 0 || in(who, r.Operator):
		return listing.Operator
	case in(who, r.Support):
		return listing.Support
	case in(who, r.Reader):
		return listing.Reader
	}
	return listing.Nobody
}

// in reports whether a caller is in one of some groups. A group that this host
// no longer knows has no members.
func in(who listing.Caller, groups []string) bool {
	return slices.ContainsFunc(groups, func(group string) bool {
		n, err := gid(group)
		return err == nil && slices.Contains(who.Groups, n)
	})
}

// authorize is who sent a request, with his role. It refuses one whose role is
// less than the endpoint takes.
func (s *Server) authorize(ctx context.Context, least listing.Role) (listing.Caller, error) {
	who, err := callerOf(ctx)
	if err != nil {
		return who, err
	}
	roles := s.roles()
	who.Role = roleOf(roles, who)
	return who, roles.Require(who, least, "")
}

// roles are those in force.
func (s *Server) roles() listing.Roles {
	if s.cfg.Book == nil {
		return listing.Roles{}
	}
	return s.cfg.Book.Rules().Roles
}

// Those who have no role get nothing but a refusal, so they have few connections,
// all of them together, and not for long.
const (
	strangersMost = 16
	strangersLife = 10 * time.Second
)

// user tells for whom a connection is counted: for the user who made it.
func (s *Server) user(c net.Conn, l connlimit.Limits) connlimit.Client {
	who, err := peer(c)
	if err != nil || roleOf(s.roles(), who) == listing.Nobody {
		return connlimit.Client{Key: listing.Nobody, Most: strangersMost, Life: strangersLife}
	}
	return connlimit.Client{Key: who.UID, Most: l.PerClient}
}
