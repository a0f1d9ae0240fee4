namespace Hive.Protocol;

/// <summary>The open work, and what of it stands still until the operator decides something.</summary>
/// <param name="OpenTasks">All tasks that have not ended.</param>
/// <param name="StoppedTasks">Those of them that wait for the operator, directly or behind another task.</param>
/// <param name="StoppedTickets">The tickets that wait for the operator.</param>
public sealed record WorkCounts(int OpenTasks, int StoppedTasks, int StoppedTickets);
