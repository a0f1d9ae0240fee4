using Hive.Common.Doctor;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>Finds agents whose driver cannot work, as their harnesses report it; finds nothing when no host
/// runs.</summary>
internal sealed class DriversCheck(IServiceProvider services, IHostApplicationLifetime lifetime) : ICheck
{
    private const string Topic = "agents";

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) => Task.FromResult(Find());

    private IReadOnlyList<Finding> Find()
    {
        // Both need the database, which must not be opened when no host runs.
        if (!lifetime.ApplicationStarted.IsCancellationRequested)
            return [];
        var (roster, harnesses) = (services.GetRequiredService<IRoster>(), services.GetRequiredService<Harnesses>());
        return [.. roster.All.Select(agent => Of(agent.Name, harnesses.Of(agent.Name))).OfType<Finding>()];
    }

    private static Finding? Of(string agent, HarnessView now)
    {
        if (now.Missing is { } missing)
        {
            var cut = missing.IndexOf("; ", StringComparison.Ordinal);
            return cut < 0
                ? new Finding(Topic, agent, FindingState.Absent, missing)
                : new Finding(Topic, agent, FindingState.Absent, missing[..cut], missing[(cut + 2)..]);
        }

        return HarnessState.NeedsLogin(now.State)
            ? new Finding(
                Topic,
                agent,
                FindingState.Absent,
                $"its driver {now.Driver} needs a login",
                $"Log in on the page of {agent}: hive open"
            )
            : null;
    }
}
