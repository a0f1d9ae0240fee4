namespace Hive.Tests.Fixture;

/// <summary>Skips tests on machines that lack a tool.</summary>
internal static class Requires
{
    /// <summary>Ends a test as skipped, or as failed where nothing may be skipped (<c>HIVE_REQUIRE_ALL</c>), when
    /// something is missing.</summary>
    public static void That(bool there, string otherwise)
    {
        if (there)
            return;
        Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL")), otherwise);
        Assert.Skip(otherwise);
    }
}
