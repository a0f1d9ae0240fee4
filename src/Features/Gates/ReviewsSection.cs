using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>The reviews that wait for the operator in the snapshot, oldest first.</summary>
internal sealed class ReviewsSection : IDashboardSection
{
    public string Name => "reviews";

    public Type Type => typeof(IReadOnlyList<Review>);

    public object Read(DbConnection db) => ReviewTable.OfOperator(db);
}
