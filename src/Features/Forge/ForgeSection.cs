using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>The forge in the snapshot.</summary>
internal sealed class ForgeSection(ForgeStatus status) : IDashboardSection
{
    public string Name => "forge";

    public Type Type => typeof(ForgeView);

    public object Read(DbConnection db) => status.View;
}
