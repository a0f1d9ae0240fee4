using System.Collections.Immutable;
using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Forge.Contracts;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>Holds what pages and people see of the forge, in memory; pushed repositories are stored as well.</summary>
internal sealed class ForgeStatus(ForgeSettings settings, IRoster roster, IStore store, TimeProvider clock)
{
    // Pages are updated at most this often while many things change.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private volatile Status now = settings.Absence() is { } absence
        ? Status.Empty with
        {
            State = ForgeState.Off,
            Note = absence,
        }
        : Status.Empty;
    private bool loaded;
    private bool changed;
    private long raisedAt;

    /// <summary>Everything that is shown of the forge.</summary>
    public ForgeView View
    {
        get
        {
            var now = this.now;
            var (accounts, repositories) = (now.Accounts, now.Repositories);
            if (now.State == ForgeState.Off)
                return new ForgeView(ForgeState.Off, ForgeState.Off, [], [], now.Note);
            var agents = roster.Names;
            return new ForgeView(
                now.Mode,
                now.State,
                [
                    .. agents.Select(a =>
                        accounts.GetValueOrDefault(a) is var known && known is null
                            ? new ForgeAccount(a, false)
                            : new ForgeAccount(
                                a,
                                known.HasToken,
                                known.HasToken ? settings.Link(a) : null,
                                known.Error,
                                known.FailedAt
                            )
                    ),
                ],
                [.. agents.Prepend(null).Select(a => Shown(a, repositories))],
                now.Note,
                settings.Url.AbsoluteUri,
                now.CheckedAt,
                now.NextAttemptAt
            );
        }
    }

    public string State => now.State;

    /// <summary>True when the agent is known to have its token in its folder.</summary>
    public bool HasToken(string agent) => now.Accounts.GetValueOrDefault(agent) is { HasToken: true };

    /// <summary>Reads what was pushed before this host started.</summary>
    public async Task Load(CancellationToken ct)
    {
        if (loaded)
            return;
        var rows = await store.Read(PushedRepositories.Read, ct);
        // An agent may have gone just before a host was killed.
        var names = roster.Names.Select(ForgeNames.RepositoryOf).Append(ForgeNames.Meta).ToHashSet();
        var gone = rows.Keys.Where(name => !names.Contains(name)).ToArray();
        if (gone.Length > 0)
        {
            await store.Write(
                write =>
                {
                    foreach (var name in gone)
                        PushedRepositories.Delete(write, name);
                },
                ct
            );
        }

        // This is not a change that pages must see.
        lock (gate)
            now = now with { Repositories = rows.RemoveRange(gone) };
        loaded = true;
    }

    public void Off(string note)
    {
        if (now.State != ForgeState.Off || now.Note != note)
            Change(now =>
                now with
                {
                    State = ForgeState.Off,
                    Mode = ForgeState.Off,
                    Note = note,
                    NextAttemptAt = null,
                }
            );
    }

    public void Up(string? mode, string? note) =>
        Change(now =>
            now with
            {
                State = ForgeState.Up,
                Mode = mode ?? now.Mode,
                Note = note,
                CheckedAt = clock.GetUtcNow(),
            }
        );

    public void Down(string? mode, string note) =>
        Change(now =>
            now with
            {
                State = ForgeState.Down,
                Mode = mode ?? now.Mode,
                Note = note,
                CheckedAt = clock.GetUtcNow(),
            }
        );

    public void NextAttempt(DateTimeOffset? at)
    {
        if (now.NextAttemptAt != at)
            Change(now => now with { NextAttemptAt = at });
    }

    public void HasAccount(string agent) =>
        Change(agent, now => now with { Accounts = now.Accounts.SetItem(agent, new Account(true)) });

    public void HasNoAccount(string agent, string error) =>
        Change(
            agent,
            now => now with { Accounts = now.Accounts.SetItem(agent, new Account(false, error, clock.GetUtcNow())) }
        );

    /// <summary>Notes whether the forge lacks something of a repository, as far as is known locally; null for the
    /// swarm's lock.</summary>
    public void Measured(string? agent, string refs)
    {
        var known = Known(agent);
        var behind = refs.Length > 0 && known.Refs != Fingerprint(refs);
        if (known.Behind != behind)
            Change(agent, known with { Behind = behind });
    }

    /// <summary>Notes that a repository was pushed.</summary>
    public Task Pushed(string? agent, string refs, string? head)
    {
        var known = Known(agent);
        var fingerprint = Fingerprint(refs);
        // Nothing changed.
        if (known.Refs == fingerprint && known.Error is null && !known.Behind)
            return Task.CompletedTask;
        return Store(agent, new PushedRepository(fingerprint, head, clock.GetUtcNow(), false));
    }

    /// <summary>Notes that a push failed.</summary>
    public Task Failed(string? agent, string error)
    {
        var known = Known(agent);
        return Store(
            agent,
            known with
            {
                Behind = true,
                Error = error,
                FailedAt = clock.GetUtcNow(),
                Attempts = known.Attempts + 1,
            }
        );
    }

    /// <summary>Removes an agent that was destroyed.</summary>
    public Task Forget(string agent)
    {
        var name = ForgeNames.RepositoryOf(agent);
        if (!now.Accounts.ContainsKey(agent) && !now.Repositories.ContainsKey(name))
            return Task.CompletedTask;
        Change(now => now with { Accounts = now.Accounts.Remove(agent), Repositories = now.Repositories.Remove(name) });
        return store.Write(write => PushedRepositories.Delete(write, name), CancellationToken.None);
    }

    /// <summary>Publishes changes to pages.</summary>
    /// <param name="atOnce">Also if something was published a moment ago.</param>
    public async Task Publish(bool atOnce)
    {
        lock (gate)
        {
            if (!changed || (!atOnce && raisedAt != 0 && clock.GetElapsedTime(raisedAt) < Pause))
                return;
            (changed, raisedAt) = (false, clock.GetTimestamp());
        }

        await store.Write(write => write.Raise(new ForgeChanged(View)), CancellationToken.None);
    }

    private void Change(Func<Status, Status> change)
    {
        lock (gate)
            (now, changed) = (change(now), true);
    }

    // Nothing is kept of an agent that was destroyed in the meantime: nobody would remove it again.
    private void Change(string? agent, Func<Status, Status> change) =>
        Change(now => agent is null || roster.Find(agent) is not null ? change(now) : now);

    private void Change(string? agent, PushedRepository repository) =>
        Change(
            agent,
            now => now with { Repositories = now.Repositories.SetItem(ForgeNames.RepositoryOf(agent), repository) }
        );

    private PushedRepository Known(string? agent) =>
        now.Repositories.GetValueOrDefault(ForgeNames.RepositoryOf(agent)) ?? new PushedRepository();

    private async Task Store(string? agent, PushedRepository repository)
    {
        Change(agent, repository);
        var name = ForgeNames.RepositoryOf(agent);
        await store.Write(
            write =>
            {
                // A repository that is no longer in memory was removed, perhaps by a write before this one.
                if (now.Repositories.GetValueOrDefault(name) is not { } kept)
                    return;
                PushedRepositories.Store(write, name, kept);
            },
            CancellationToken.None
        );
    }

    private ForgeRepository Shown(string? agent, ImmutableDictionary<string, PushedRepository> repositories)
    {
        var name = ForgeNames.RepositoryOf(agent);
        var known = repositories.GetValueOrDefault(name) ?? new PushedRepository();
        return new ForgeRepository(
            name,
            known.Behind,
            agent,
            known.Head?[..Math.Min(12, known.Head.Length)],
            known.PushedAt,
            known.PushedAt is null ? null : settings.Link(name),
            known.Error,
            known.FailedAt,
            known.Attempts
        );
    }

    private static string Fingerprint(string refs) =>
        Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(refs))
        );

    private sealed record Status(
        ImmutableDictionary<string, Account> Accounts,
        ImmutableDictionary<string, PushedRepository> Repositories,
        string Mode = ForgeState.Off,
        string State = ForgeState.Unknown,
        string? Note = null,
        DateTimeOffset? CheckedAt = null,
        DateTimeOffset? NextAttemptAt = null
    )
    {
        public static Status Empty { get; } =
            new(ImmutableDictionary<string, Account>.Empty, ImmutableDictionary<string, PushedRepository>.Empty);
    }

    private sealed record Account(bool HasToken, string? Error = null, DateTimeOffset? FailedAt = null);
}
