namespace Hive.Features.Agents.Contracts;

/// <summary>How well an agent fits. Source of the numbers: OmoiOS's search of agents.</summary>
internal static class MatchScore
{
    private const double IdleBonus = 0.2;
    private const double HealthBonus = 0.2;
    private const double BonusPerTask = 0.05;
    private const int MostCounted = 5;

    /// <summary>The score of an agent.</summary>
    /// <param name="covered">The share of the required capabilities that it has.</param>
    /// <param name="isIdle">It has nothing to do.</param>
    /// <param name="isHealthy">Nothing is wrong with it.</param>
    /// <param name="capacity">How many tasks it takes at once.</param>
    public static double Of(double covered, bool isIdle, bool isHealthy, int capacity) =>
        covered
        + (isIdle ? IdleBonus : 0)
        + (isHealthy ? HealthBonus : 0)
        + (BonusPerTask * Math.Min(capacity, MostCounted));
}
