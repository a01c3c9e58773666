package main

import (
	"fmt"

	"dnsbld/ctl/server"
	"dnsbld/listing"
)

// rolesConfig names the groups of each role.
type rolesConfig struct {
	Operator []string `toml:"operator"`
	Support  []string `toml:"support"`
	Reader   []string `toml:"reader"`
}

func (r rolesConfig) resolve(wrong *mistakes) listing.Roles {
	roles := listing.Roles{Operator: r.Operator, Support: r.Support, Reader: r.Reader}
	for _, err := range server.CheckRoles(roles) {
		wrong.add(err)
	}
	return roles
}

// canaries are prefixes that are listed with a second thought only.
func (p policyConfig) canaries(wrong *mistakes) []listing.Subject {
	var all []listing.Subject
	for _, text := range p.Canaries {
		s, err := listing.ParseSubject(text)
		if err != nil {
			wrong.add(fmt.Errorf("policy.canaries: %w", err))
			continue
		}
		all = append(all, s)
	}
	return all
}
