using System.Data.Common;
using Hive.Common.Notifications;

namespace Hive.Features.Dashboard;

/// <summary>A list of the contract's snapshot that no slice fills yet: there are none of these.</summary>
internal sealed class EmptySection(string name) : IDashboardSection
{
    public string Name => name;

    public Type Type => typeof(IReadOnlyList<object>);

    public object Read(DbConnection db) => Array.Empty<object>();
}
