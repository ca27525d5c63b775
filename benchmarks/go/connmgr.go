package main

import (
	"context"
	"fmt"
	"math/rand"
	"sync/atomic"
	"time"

	"github.com/benbjohnson/clock"
	core "github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
)

const (
	peers = 10_000

	// A prime, so that each operation is on another peer than the last one and the cache does not answer.
	stride = 7919
)

func manager(low int, options ...connmgr.Option) *connmgr.BasicConnMgr {
	options = append([]connmgr.Option{connmgr.WithGracePeriod(0), connmgr.WithSilencePeriod(time.Hour)}, options...)
	cm, err := connmgr.NewConnManager(low, 1<<30, options...)
	must(err)
	return cm
}

func connect(cm *connmgr.BasicConnMgr, conns []*mockConn) {
	for _, conn := range conns {
		cm.Notifee().Connected(nil, conn)
	}
}

func tag(cm *connmgr.BasicConnMgr, conns []*mockConn) {
	for i, conn := range conns {
		for _, name := range []string{"kad-close", "topic", "mine"} {
			cm.TagPeer(conn.remote, name, i%100)
		}
	}
}

// Choose and close a tenth, half of the peers tagged. Nobody says that a connection has closed, so that each trim finds the same ones.
func trims() []figure {
	var figures []figure

	for _, size := range []int{1_000, 10_000, 100_000} {
		cm := manager(size * 9 / 10)
		conns := mockConns(size)
		random := rand.New(rand.NewSource(2))
		connect(cm, conns)

		for i, conn := range conns {
			if i%2 == 0 {
				cm.TagPeer(conn.remote, "value", random.Intn(100))
			}
		}

		figures = append(figures, figure{"trim", size, "ns", timed(func() { cm.TrimOpenConns(context.Background()) })})
		must(cm.Close())
	}
	return figures
}

func connmgrOperations() []figure {
	cm := manager(peers)
	defer cm.Close()
	conns := mockConns(2 * peers)
	newcomers := conns[peers:]
	conns = conns[:peers]
	connect(cm, conns)
	tag(cm, conns)

	one := func(at int) *mockConn { return conns[at*stride%peers] }
	operation := func(name string, run func(at int)) figure { return figure{name, peers, "ns", each(run)} }

	return []figure{
		operation("tag", func(at int) { cm.TagPeer(one(at).remote, "mine", at) }),
		operation("tag and untag", func(at int) {
			cm.TagPeer(one(at).remote, "new", 1)
			cm.UntagPeer(one(at).remote, "new")
		}),
		operation("protect and unprotect", func(at int) {
			cm.Protect(one(at).remote, "mine")
			cm.Unprotect(one(at).remote, "mine")
		}),
		operation("info", func(at int) {
			if cm.GetTagInfo(one(at).remote) == nil {
				panic("nothing is known")
			}
		}),
		operation("connect and disconnect", func(at int) {
			cm.Notifee().Connected(nil, newcomers[at%peers])
			cm.Notifee().Disconnected(nil, newcomers[at%peers])
		}),
		decayTick(conns),
	}
}

// From the first call of the decay function in a tick to its last: the tick itself is in a goroutine of the manager.
func decayTick(conns []*mockConn) figure {
	mock := clock.NewMock()
	cm := manager(peers, connmgr.WithClock(mock), connmgr.DecayerConfig(&connmgr.DecayerCfg{Resolution: time.Minute, Clock: mock}))
	defer cm.Close()
	connect(cm, conns)

	var calls int
	var begun time.Time
	took := make(chan float64, 1)
	decay := func(value core.DecayingValue) (int, bool) {
		if calls++; calls == 1 {
			begun = time.Now()
		} else if calls == len(conns) {
			calls = 0
			took <- float64(time.Since(begun).Nanoseconds())
		}
		return value.Value - 1, false
	}
	var bumps atomic.Int32
	bump := func(value core.DecayingValue, delta int) int {
		bumps.Add(1)
		return value.Value + delta
	}

	decaying, err := cm.RegisterDecayingTag("decaying", time.Minute, decay, bump)
	must(err)
	for _, conn := range conns {
		for decaying.Bump(conn.remote, 1_000_000) != nil {
			time.Sleep(time.Millisecond)
		}
	}
	for int(bumps.Load()) < len(conns) {
		time.Sleep(time.Millisecond)
	}

	var samples []float64
	for round := range 40 {
		mock.Add(time.Minute)
		select {
		case sample := <-took:
			if round >= 10 {
				samples = append(samples, sample)
			}
		case <-time.After(10 * time.Second):
			panic(fmt.Sprintf("no tick in round %d", round))
		}
	}
	return figure{"decay tick", len(conns), "ns", samples}
}

// What the manager keeps for a peer with one connection and three tags, beside the connection itself.
func bytesPerPeer() figure {
	const count = 100_000
	conns := mockConns(count)
	cm := manager(count)
	defer cm.Close()

	before := heap()
	connect(cm, conns)
	tag(cm, conns)
	after := heap()

	if len(conns) != cm.GetInfo().ConnCount {
		panic("connections are missing")
	}
	return figure{"bytes per peer, three tags", count, "bytes", []float64{(after - before) / count}}
}
