using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Runs;

/// <summary>Why an agent's container is started.</summary>
internal enum StartReason
{
    Start,
    Restart,
    Rebuild,
    Crash,
}

/// <summary>Keeps a note for each agent about its last start, and delivers it with the agent's next message, so that a
/// start alone costs no turn.</summary>
internal sealed class WakeNotes(IStore store, IRoster roster, AgentFolders folders)
    : IWakeNotes,
        IAgentDataCleanup,
        IHostedService
{
    private const string Updated = "Your configuration was updated, and";

    private readonly ConcurrentDictionary<string, string> notes = new(StringComparer.Ordinal);

    /// <summary>Leaves an agent a note about a start. The note replaces an earlier one, and keeps its mention of an
    /// update.</summary>
    public void Leave(IWrite write, string agent, StartReason reason, bool updated)
    {
        var before = notes.GetValueOrDefault(agent);
        // The agent has not yet heard of an update at an earlier start, which may have failed.
        updated |= before?.StartsWith(Updated, StringComparison.Ordinal) == true;
        var text = TextOf(reason, updated);
        write.Db.Execute("UPDATE containers SET wake = 1, wake_text = @text WHERE agent = @agent", new { agent, text });
        notes[agent] = text;
        write.OnRollback(() => Restore(agent, before));
    }

    /// <inheritdoc />
    public string? Take(IWrite write, string agent)
    {
        if (!notes.TryRemove(agent, out var text))
            return null;
        write.OnRollback(() => Restore(agent, text));
        write.Db.Execute("UPDATE containers SET wake = 0, wake_text = NULL WHERE agent = @agent", new { agent });
        return roster.Find(agent) is { } entry
            ? $"{text} Your notes are in {folders.StateAsSeenBy(entry)}/; read them to see where you were."
            : null;
    }

    /// <inheritdoc />
    public void Remove(IWrite write, string agent, bool purge)
    {
        if (notes.TryRemove(agent, out var text))
            write.OnRollback(() => Restore(agent, text));
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        const string Sql = "SELECT agent, wake_text FROM containers WHERE wake = 1";
        var rows = await store.Read(db => db.Query<(string Agent, string? Text)>(Sql).ToArray(), cancellationToken);
        foreach (var (agent, text) in rows)
            notes[agent] = text ?? TextOf(StartReason.Start, updated: false);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static string TextOf(StartReason reason, bool updated) =>
        (reason, updated) switch
        {
            (StartReason.Crash, true) =>
                $"{Updated} you have been restarted on it after your process ended unexpectedly.",
            (StartReason.Crash, _) => "You have been restarted after your process ended unexpectedly.",
            (_, true) => $"{Updated} you have been restarted on it.",
            (StartReason.Restart, _) => "You have been restarted.",
            (StartReason.Rebuild, _) => "You have been rebuilt.",
            _ => "You have been started.",
        };

    private void Restore(string agent, string? text)
    {
        if (text is null)
            notes.TryRemove(agent, out _);
        else
            notes[agent] = text;
    }
}
