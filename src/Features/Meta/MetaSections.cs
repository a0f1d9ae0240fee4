using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>The pinned inputs, in the snapshot.</summary>
internal sealed class MetaInputsSection(SwarmLock swarm) : IDashboardSection
{
    public string Name => "meta_inputs";

    public Type Type => typeof(IReadOnlyList<MetaInput>);

    public object Read(DbConnection db) => swarm.Inputs;
}

/// <summary>Which commit is deployed, on an agent's row.</summary>
internal sealed class DeployedRowFields(SwarmLock swarm) : IAgentRowFields
{
    public ContainerView Fill(ContainerView row) => row with { DeployedSha = Shown(swarm.Deployed(row.Name)) };

    /// <summary>As much of a commit's name as clients are shown.</summary>
    public static string? Shown(string? commit) => commit?[..12];
}
