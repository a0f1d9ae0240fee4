using Xunit;

[assembly: AssemblyFixture(typeof(Hive.Dashboard.Tests.Browser))]
// One machine, one browser: pages that compete for two cores only wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
