using System.Data.Common;
using System.Text;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Doctor;

/// <summary>Findings of the last run of the checks that say what does not work. Checks try whole runtimes, so they run
/// only when somebody asks.</summary>
internal sealed class WaitingFindings(TimeProvider clock) : IWaiting
{
    private readonly Lock gate = new();
    private Dictionary<string, DateTimeOffset> found = [];

    public string Kind => "doctor";

    public string Decision => "follow the advice and run `hive doctor` again";

    public IEnumerable<WaitingThing> Read(DbConnection db) => [];

    public void Follow(INotification notification, IWaitingChanges changes) { }

    public string? Outcome(DbConnection db, string id) => null;

    /// <summary>Replaces the rows by those of a new run.</summary>
    public void Show(Diagnosis diagnosis, IWaitingChanges changes)
    {
        var failed = diagnosis.Findings.Where(f => f.State == FindingState.Failed).ToLookup(IdOf);
        lock (gate)
        {
            foreach (var id in found.Keys.Where(id => !failed.Contains(id)))
                changes.Remove(id);
            found = failed.ToDictionary(f => f.Key, f => found.GetValueOrDefault(f.Key, clock.GetUtcNow()));
            foreach (var group in failed)
            {
                var finding = group.First();
                changes.Put(
                    new WaitingThing(
                        group.Key,
                        $"{finding.Topic}, {finding.Name}: {finding.Text}",
                        found[group.Key],
                        WaitingUrgency.Fyi,
                        "/system"
                    )
                    {
                        Detail = finding.Advice,
                        Version = found[group.Key].ToUnixTimeMilliseconds(),
                    }
                );
            }
        }
    }

    // Ids stand in addresses, and some findings are named by a path.
    private static string IdOf(Finding finding)
    {
        var id = new StringBuilder();
        foreach (var c in $"{finding.Topic}.{finding.Name}".ToLowerInvariant())
            id.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-');
        return id.ToString();
    }
}
