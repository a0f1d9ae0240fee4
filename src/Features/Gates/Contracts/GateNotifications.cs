using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Gates.Contracts;

/// <summary>Raised with a gate that was judged.</summary>
internal sealed record GateChanged(GateView Gate) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("gate_changed", "gate", Gate);
}

/// <summary>Raised with an artifact that was handed in.</summary>
internal sealed record ArtifactAdded(Artifact Artifact) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("artifact_added", "artifact", Artifact);
}

/// <summary>Raised with a review that was asked, decided, or made void.</summary>
internal sealed record ReviewChanged(Review Review) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("review_changed", "review", Review);
}
