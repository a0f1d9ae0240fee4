using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Limits;
using Hive.Features.Containers.Runs;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>The operations in progress, in the snapshot.</summary>
internal sealed class TransientsSection(Transients transients) : IDashboardSection
{
    public string Name => "transients";

    public Type Type => typeof(IReadOnlyList<Transient>);

    public object Read(DbConnection db) => transients.All;
}

/// <summary>The state of an agent's container, on its row.</summary>
internal sealed class ContainerRowFields(ContainerStates states, AppliedState applied, IRoster roster, DiskLimits disk)
    : IAgentRowFields
{
    public ContainerView Fill(ContainerView row)
    {
        if (roster.Find(row.Name) is not { } agent)
            return row;
        var container = states.Of(row.Name);
        return row with
        {
            Running = states.IsRunning(agent),
            Failed = container.Failed,
            NeedsUpdate = applied.NeedsUpdate(row.Name),
            StartedAt = container.Running?.StartedAt,
            Note = container.Running is null ? container.Note : Join(container.Note, disk.FindWeakness(row.Name)),
        };
    }

    private static string? Join(string? note, string? weakness) =>
        note is null || weakness is null ? note ?? weakness : $"{note}; {weakness}";
}
