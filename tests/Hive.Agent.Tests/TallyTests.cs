using System.Text;
using Hive.Agent.Children;
using Hive.Agent.Drivers.Claude;

namespace Hive.Agent.Tests;

/// <summary>The figures of turns from recordings of real versions of Claude Code.</summary>
public sealed class TallyTests
{
    // From a stand-in of the model: its nth call has 100 n tokens of input and n of output.
    [Theory]
    [InlineData("2.1.330-resumed", 300, 3, 1000, 10, 0.00151)]
    [InlineData("2.1.330-helper-in-background", 3000, 30, 4000, 40, 0.0136)]
    [InlineData("2.1.330-compact", 2100, 21, 2000, 20, 0.00932)]
    [InlineData("2.1.197-helper", 3900, 39, 3000, 30, 0.0221625)]
    [InlineData("2.1.197-compact", 1500, 15, 1000, 10, 0.0084375)]
    public void All_calls_of_a_resumed_run_are_counted_once(
        string recording,
        long input,
        long output,
        long cacheRead,
        long cacheCreation,
        double cost
    )
    {
        var figures = Figures(Runs.Recorded(recording, resumed: true));

        Assert.Equal((input, output), (figures.InputTokens, figures.OutputTokens));
        Assert.Equal((cacheRead, cacheCreation), (figures.CacheReadInputTokens, figures.CacheCreationInputTokens));
        Assert.Equal(cost, figures.CostUsd!.Value, 9);
    }

    [Fact]
    public void A_run_that_was_ended_counts_its_calls_so_far_and_has_no_cost()
    {
        var figures = Figures(Runs.Recorded("2.1.330-cancelled", resumed: false));

        Assert.Equal((1600, 1), (figures.InputTokens, figures.OutputTokens));
        Assert.Equal((1000, 10), (figures.CacheReadInputTokens, figures.CacheCreationInputTokens));
        Assert.Equal((1600, 1), (figures.LastInputTokens, figures.LastOutputTokens));
        Assert.Null(figures.CostUsd);
    }

    [Fact]
    public void A_cost_that_is_unknown_for_a_run_is_not_reported()
    {
        var figures = Figures(
            Runs.Recorded("2.1.330-resumed", resumed: true),
            Runs.Recorded("2.1.330-cancelled", resumed: true)
        );

        Assert.Equal((1900, 4), (figures.InputTokens, figures.OutputTokens));
        Assert.Null(figures.CostUsd);
    }

    // From 2.1.277 until the version that prints differences, a run's part of a total is unknown.
    [Theory]
    [InlineData("2.1.280", true, 2600, null)]
    [InlineData("2.1.280", false, 3900, 0.0221625)]
    [InlineData("2.1.276", true, 3900, 0.0221625)]
    [InlineData("no version", true, 2600, null)]
    public void The_total_of_a_conversation_does_not_count_as_a_run(
        string version,
        bool resumed,
        long input,
        double? cost
    )
    {
        var run = Runs.Of(resumed);
        foreach (var line in Runs.Recording("2.1.197-helper"))
        {
            var told = line.Replace("2.1.197", version, StringComparison.Ordinal);
            run.Take(new OutputLine(Encoding.UTF8.GetBytes(told)));
        }

        var figures = Figures(run);
        Assert.Equal(input, figures.InputTokens);
        Assert.Equal(cost, figures.CostUsd is { } known ? Math.Round(known, 9) : null);
    }

    [Fact]
    public void Growing_figures_of_one_call_are_not_added_up()
    {
        var figures = Figures(Runs.Recorded("2.1.330-helper-in-background", resumed: true));

        // The last call: its figures at the start, with the whole text and at the end.
        Assert.Equal((900, 9), (figures.LastInputTokens, figures.LastOutputTokens));
        Assert.Equal((1000, 10), (figures.LastCacheReadInputTokens, figures.LastCacheCreationInputTokens));
        Assert.Equal("""{"Agent":1}""", System.Text.Json.JsonSerializer.Serialize(figures.ToolCalls));
    }

    private static Drivers.TurnFigures Figures(params StreamJson[] runs)
    {
        var tally = new Tally();
        foreach (var run in runs)
            tally.Add(run);
        return tally.ToFigures();
    }
}
