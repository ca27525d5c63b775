package main

import (
	"math"
	"net/netip"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
)

// The resource manager's whole answer to an inbound connection: its connLimiter (private) with limits by address, and its scopes. No rates, no
// metrics: as our gater with `connectRate: false`.
func resourceManager() []figure {
	subnets := rcmgr.WithLimitPerSubnet(
		[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: 8}},
		[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: 8}, {PrefixLength: 48, ConnCount: 64}})
	loopback := rcmgr.WithNetworkPrefixLimit([]rcmgr.NetworkPrefixLimit{{Network: netip.MustParsePrefix("127.0.0.0/8"), ConnCount: math.MaxInt}}, nil)

	limits, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(rcmgr.InfiniteLimits), subnets, loopback, rcmgr.WithConnRateLimiters(&rate.Limiter{}), rcmgr.WithMetricsDisabled())
	must(err)
	defer limits.Close()

	remotes := make([]multiaddr.Multiaddr, addresses)
	for i := range remotes {
		remotes[i] = multiaddr.StringCast("/ip4/" + address(i).String() + "/tcp/4001")
	}

	openAndClose := func(count int) []float64 {
		return each(func(at int) {
			scope, err := limits.OpenConnection(network.DirInbound, true, remotes[at%count])
			must(err)
			scope.Done()
		})
	}

	one := openAndClose(1)
	many := openAndClose(addresses)

	for range 8 {
		_, err := limits.OpenConnection(network.DirInbound, true, remotes[0])
		must(err)
	}
	refused := each(func(int) {
		if _, err := limits.OpenConnection(network.DirInbound, true, remotes[0]); err == nil {
			panic("let somebody in")
		}
	})

	return []figure{
		{"a connection through the gate", 1, "ns", one},
		{"a connection through the gate", addresses, "ns", many},
		{"refused by the gate", 1, "ns", refused},
	}
}
